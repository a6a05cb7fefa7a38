import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Heading } from "../parts/heading";
import { ended, signIn } from "./session";
import { project, signInWithPassword, SignInRefused } from "./supabase";

export function SignInPage() {
  return (
    <div class="sign-in">
      <Heading title="Sign in" />
      <p>See what your bots' models are doing, and act on it.</p>
      {ended.value !== null && (
        <p class="notice bad" role="alert">
          {ended.value}
        </p>
      )}
      {project() && <PasswordForm />}
      <TokenForm />
    </div>
  );
}

function TokenForm() {
  return (
    <Form title="With a token" button="Sign in" send={(form) => pasted(text(form, "token"))}>
      <label class="field">
        <span>API token</span>
        <input name="token" type="password" required autoComplete="off" placeholder="arp_…" />
      </label>
      <p class="hint">
        <code>make run</code> prints one; <code>autoretrain tokens create</code> makes more. It is
        kept in this tab only.
      </p>
    </Form>
  );
}

function PasswordForm() {
  return (
    <Form
      title="With your account"
      button="Sign in with e-mail"
      send={(form) => signInWithPassword(text(form, "email"), text(form, "password"))}
    >
      <label class="field">
        <span>E-mail</span>
        <input name="email" type="email" required autoComplete="username" />
      </label>
      <label class="field">
        <span>Password</span>
        <input name="password" type="password" required autoComplete="current-password" />
      </label>
    </Form>
  );
}

function Form(props: {
  title: string;
  button: string;
  send: (form: FormData) => Promise<void>;
  children: ComponentChildren;
}) {
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const send = async (form: FormData) => {
    setBusy(true);
    setWrong(null);
    try {
      await props.send(form);
    } catch (error) {
      setWrong(error instanceof SignInRefused ? error.message : "Sign-in does not answer.");
      setBusy(false);
    }
  };
  return (
    <form
      class="card"
      aria-label={props.title}
      onSubmit={(event) => {
        event.preventDefault();
        void send(new FormData(event.currentTarget));
      }}
    >
      <h2>{props.title}</h2>
      {props.children}
      {wrong !== null && (
        <p class="notice bad" role="alert">
          {wrong}
        </p>
      )}
      <button class="primary" disabled={busy}>
        {props.button}
      </button>
    </form>
  );
}

async function pasted(token: string): Promise<void> {
  const clean = token.replace(/^Bearer\s+/i, "").trim();
  const answer = await fetch("/api/ai-strategies?limit=1", {
    headers: { Authorization: `Bearer ${clean}` },
  });
  if (answer.status === 401 || answer.status === 403) {
    throw new SignInRefused("This token is not accepted: it is wrong, expired or revoked.");
  }
  signIn({ token: clean });
}

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
