/** Signs people in at the Supabase project that the page was told of, through its REST endpoint. */

import { current, type Session, signIn, signOut } from "./session";

const EARLY_MS = 60_000;

export type Project = { url: string; key: string };

/** Null where no project is configured: then there are only tokens to paste. */
export function project(page: Document = document): Project | null {
  const [url, key] = ["sign-in-url", "sign-in-key"].map(
    (name) => page.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? "",
  );
  return url && key ? { url, key } : null;
}

export class SignInRefused extends Error {}

export async function signInWithPassword(email: string, password: string): Promise<void> {
  signIn(await granted("password", { email, password }));
}

let renewing: Promise<void> | null = null;

/** Renews a web token before it expires; several callers at once share one renewal. */
export async function renewed(now: number = Date.now()): Promise<void> {
  const session = current();
  if (session?.refreshToken === undefined || session.expiresAt === undefined) return;
  if (now < session.expiresAt - EARLY_MS) return;
  renewing ??= renew(session.refreshToken).finally(() => (renewing = null));
  await renewing;
}

async function renew(refreshToken: string): Promise<void> {
  try {
    signIn(await granted("refresh_token", { refresh_token: refreshToken }));
  } catch (error) {
    if (!(error instanceof SignInRefused)) throw error;
    signOut("Your sign-in has expired. Please sign in again.");
  }
}

type Granted = { access_token: string; refresh_token: string; expires_in: number };

async function granted(type: string, body: Record<string, string>): Promise<Session> {
  const at = project();
  if (!at) throw new SignInRefused("No sign-in is configured: paste a token instead.");
  const answer = await fetch(`${at.url}/token?grant_type=${type}`, {
    method: "POST",
    headers: { apikey: at.key, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.status >= 500) throw new TypeError("the sign-in service does not answer");
  if (!answer.ok) throw new SignInRefused("E-mail and password do not match an account.");
  const told = (await answer.json()) as Granted;
  return {
    token: told.access_token,
    refreshToken: told.refresh_token,
    expiresAt: Date.now() + told.expires_in * 1000,
  };
}
