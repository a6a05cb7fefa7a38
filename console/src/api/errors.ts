/** What can go wrong with a request, told apart by what a person can do about it. */

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** No answer, or one that asks to come back later. */
export class Unreachable extends Error {}

/** For people: what the API said, or that it said nothing. */
export function wordsOf(error: Error): string {
  if (error instanceof Unreachable) return "That did not get through: the API does not answer.";
  if (error instanceof ApiError && error.status === 404) {
    return "There is no such thing here, or it is somebody else's.";
  }
  return error.message;
}

type Refusal = { error?: { code: string; message: string }; message?: string };

/** API Gateway refuses a token with a bare message; what the API refuses has a code. */
export function isSignedOut(status: number, refusal: Refusal): boolean {
  return status === 401 || (status === 403 && refusal.error === undefined);
}

export function errorOf(status: number, told: unknown): Error {
  const refusal = (typeof told === "object" && told !== null ? told : {}) as Refusal;
  if (isSignedOut(status, refusal)) return new ApiError(status, "signed_out", "Signed out");
  const message = refusal.error?.message ?? refusal.message ?? `The API answered ${status}`;
  if (status === 502 || status === 503 || status === 504) return new Unreachable(message);
  return new ApiError(status, refusal.error?.code ?? "refused", message);
}
