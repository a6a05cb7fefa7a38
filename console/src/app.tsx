import { useEffect, useRef } from "preact/hooks";
import { Redirect, Route, Router, Switch } from "wouter-preact";
import { useHashLocation } from "wouter-preact/use-hash-location";
import { down } from "./api/reach";
import { queries } from "./api/queries";
import { ConfirmDialog } from "./parts/confirm";
import { Icon } from "./parts/icon";
import { theme, toggleTheme } from "./parts/theme";
import { Toasts } from "./parts/toasts";
import { signedIn, signOut } from "./session/session";
import { SignInPage } from "./session/sign-in";
import { StrategiesPage } from "./strategies/page";
import { StrategyPage } from "./strategy/page";
import { VersionPage } from "./version/page";

export function App() {
  const main = useRef<HTMLElement>(null);
  const isIn = signedIn.value;
  useEffect(() => {
    if (!isIn) queries.clear();
  }, [isIn]);
  return (
    <>
      <button class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <Header />
      {down.value !== null && (
        <div class="banner" role="alert">
          <Icon name="warning" />
          {down.value} Trying again; what you see may be old.
        </div>
      )}
      <main ref={main} tabIndex={-1}>
        {isIn ? <Pages /> : <SignInPage />}
      </main>
      <Toasts />
      <ConfirmDialog />
    </>
  );
}

function Pages() {
  return (
    <Router hook={useHashLocation}>
      <Switch>
        <Route path="/">
          <StrategiesPage />
        </Route>
        <Route path="/strategies/:id/versions/:version">
          {({ id, version }) => <VersionPage key={id + version} id={id} version={version} />}
        </Route>
        <Route path="/strategies/:id/:tab?">
          {({ id, tab }) => <StrategyPage key={id} id={id} tab={tab ?? "overview"} />}
        </Route>
        <Route>
          <Redirect to="/" />
        </Route>
      </Switch>
    </Router>
  );
}

function Header() {
  const other = theme.value === "dark" ? "light" : "dark";
  return (
    <header class="top">
      <a class="brand" href="#/">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M5 22l7-8 5 4.5L27 7" />
        </svg>
        AI Studio
      </a>
      <div class="actions">
        <button class="quiet" aria-label={`Switch to ${other} theme`} onClick={toggleTheme}>
          <Icon name={other === "dark" ? "moon" : "sun"} />
        </button>
        {signedIn.value && (
          <button class="quiet" onClick={() => signOut()}>
            Sign out
          </button>
        )}
      </div>
    </header>
  );
}
