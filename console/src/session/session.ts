/** Owns who is signed in. The token lives in this tab only, and ends with it. */

import { computed, signal } from "@preact/signals";

export type Session = {
  token: string;
  /** Only a Supabase sign-in has one, and an hour until it is needed. */
  refreshToken?: string;
  expiresAt?: number;
};

const KEY = "auto-retrain.session";

const session = signal<Session | null>(restored());

/** Why the last session ended, where the person did not end it. */
export const ended = signal<string | null>(null);
export const signedIn = computed(() => session.value !== null);

export function current(): Session | null {
  return session.peek();
}

export function signIn(begun: Session): void {
  sessionStorage.setItem(KEY, JSON.stringify(begun));
  ended.value = null;
  session.value = begun;
}

export function signOut(why: string | null = null): void {
  sessionStorage.removeItem(KEY);
  ended.value = why;
  session.value = null;
}

/** The viewer's own id where the token tells it: web tokens do, API tokens do not. */
export const viewer = computed(() => (session.value ? subject(session.value.token) : null));

function subject(token: string): string | null {
  const claims = token.split(".")[1];
  if (claims === undefined) return null;
  try {
    const told: unknown = JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/")));
    return hasSubject(told) ? told.sub : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DOMException) return null;
    throw error;
  }
}

function hasSubject(told: unknown): told is { sub: string } {
  return typeof told === "object" && told !== null && "sub" in told && typeof told.sub === "string";
}

function restored(): Session | null {
  const kept = sessionStorage.getItem(KEY);
  return kept === null ? null : (JSON.parse(kept) as Session);
}
