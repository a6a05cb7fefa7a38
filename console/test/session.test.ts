import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { client, told } from "../src/api/client";
import { ApiError, Unreachable } from "../src/api/errors";
import { current, ended, signedIn, signIn, signOut, viewer } from "../src/session/session";
import { renewed, signInWithPassword } from "../src/session/supabase";

type Answer = (request: Request) => Response | Promise<Response>;

let answer: Answer;
let asked: Request[];

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = input instanceof Request ? input : new Request(input, init);
    asked.push(request);
    return answer(request);
  });
});

afterEach(() => {
  signOut();
  document.head.innerHTML = "";
  vi.unstubAllGlobals();
});

const list = () => told(client.GET("/api/ai-strategies"));

function json(status: number, body: unknown): Answer {
  return () => Response.json(body, { status });
}

function configured(): void {
  document.head.innerHTML =
    '<meta name="sign-in-url" content="https://p.supabase.co/auth/v1"><meta name="sign-in-key" content="public">';
}

const GRANTED = { access_token: "a.b.c", refresh_token: "again", expires_in: 3600 };

test("requests carry the token, and the tab remembers it", async () => {
  answer = json(200, { items: [], next: null });
  signIn({ token: "arp_1" });

  await list();

  expect(asked[0]?.headers.get("Authorization")).toBe("Bearer arp_1");
  expect(sessionStorage.getItem("auto-retrain.session")).toMatch("arp_1");
});

test.each([
  [401, { message: "Unauthorized" }],
  [403, { message: "Forbidden" }],
])("a %i of the gateway ends the session and says so", async (status, body) => {
  answer = json(status, body);
  signIn({ token: "arp_1" });

  await expect(list()).rejects.toBeInstanceOf(ApiError);

  expect(signedIn.value).toBe(false);
  expect(ended.value).toMatch("expired or was revoked");
});

test("a missing scope is told and ends nothing", async () => {
  answer = json(403, { error: { code: "missing_scope", message: "needs manage" } });
  signIn({ token: "arp_1" });

  await expect(list()).rejects.toThrow("needs manage");

  expect(signedIn.value).toBe(true);
});

test("the late refusal of an earlier token leaves the new session alone", async () => {
  let refuse: (answer: Response) => void = () => undefined;
  answer = () => new Promise((resolve) => (refuse = resolve));
  signIn({ token: "old" });
  const late = list();
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  signIn({ token: "new" });
  refuse(Response.json({ message: "Forbidden" }, { status: 403 }));

  await expect(late).rejects.toBeInstanceOf(ApiError);

  expect(current()?.token).toBe("new");
});

test("no answer and a 503 are both out of reach", async () => {
  answer = () => Promise.reject(new TypeError("refused"));
  await expect(list()).rejects.toBeInstanceOf(Unreachable);
  answer = json(503, { error: { code: "db_unavailable", message: "the database is away" } });
  await expect(list()).rejects.toThrow("the database is away");
});

test("people sign in at the project that the page names", async () => {
  configured();
  answer = json(200, GRANTED);

  await signInWithPassword("a@b.c", "secret");

  expect(asked[0]?.url).toBe("https://p.supabase.co/auth/v1/token?grant_type=password");
  expect(asked[0]?.headers.get("apikey")).toBe("public");
  expect(current()).toMatchObject({ token: "a.b.c", refreshToken: "again" });
});

test("a wrong password is told as such", async () => {
  configured();
  answer = json(400, { error_code: "invalid_credentials" });

  await expect(signInWithPassword("a@b.c", "wrong")).rejects.toThrow("do not match");
});

test("a web token is renewed before it expires, once for everybody", async () => {
  configured();
  answer = json(200, GRANTED);
  signIn({ token: "old", refreshToken: "again", expiresAt: 100_000 });

  await renewed(10_000);
  expect(asked).toHaveLength(0);
  await Promise.all([renewed(90_000), renewed(90_000)]);

  expect(asked).toHaveLength(1);
  expect(current()?.token).toBe("a.b.c");
});

test("a sign-in that cannot be renewed ends", async () => {
  configured();
  answer = json(400, {});
  signIn({ token: "old", refreshToken: "gone", expiresAt: 0 });

  await renewed();

  expect(ended.value).toMatch("sign-in has expired");
});

test("a web token says who looks, an API token does not", () => {
  signIn({ token: `x.${btoa(JSON.stringify({ sub: "me" }))}.y` });
  expect(viewer.value).toBe("me");
  signIn({ token: "arp_1" });
  expect(viewer.value).toBeNull();
});
