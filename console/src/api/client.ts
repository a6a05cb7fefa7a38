/** Asks the API that serves this page, as whoever is signed in. */

import createClient from "openapi-fetch";
import { current, signOut } from "../session/session";
import { renewed } from "../session/supabase";
import type { paths } from "./contract";
import { ApiError, errorOf, Unreachable } from "./errors";

const EXPIRED =
  "Your token is not accepted any more: it has expired or was revoked. Please sign in again.";

export const client = createClient<paths>({
  baseUrl: location.origin,
  fetch: (request) => fetch(request),
});

client.use({
  async onRequest({ request }) {
    await renewed();
    const session = current();
    if (session) request.headers.set("Authorization", `Bearer ${session.token}`);
    return request;
  },
});

type Answered<Data> = { data?: Data; error?: unknown; response: Response };

/** The answer's data. Raises ApiError where the API refuses, Unreachable where it does not answer;
 * a refused token also ends the session. */
export async function told<Data>(asked: Promise<Answered<Data>>): Promise<Data> {
  const asker = current();
  const { data, error, response } = await asked.catch((failure: unknown) => {
    throw new Unreachable(failure instanceof Error ? failure.message : String(failure));
  });
  if (response.ok) return data as Data;
  const wrong = errorOf(response.status, error);
  const isOver = wrong instanceof ApiError && wrong.code === "signed_out";
  // A late refusal of an earlier token says nothing of the one that is used now.
  if (isOver && asker?.token === current()?.token) signOut(EXPIRED);
  throw wrong;
}
