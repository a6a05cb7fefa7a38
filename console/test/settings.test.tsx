import { QueryClient, QueryClientProvider } from "@tanstack/preact-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SettingsForm } from "../src/training/settings";
import { strategy } from "./shapes";

let sent: unknown[];

beforeEach(() => {
  sent = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    sent.push(await request.json());
    return Response.json(strategy());
  });
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function form(weights: Record<string, number> = {}) {
  const { settings } = strategy();
  return (
    <QueryClientProvider client={new QueryClient()}>
      <SettingsForm strategy={strategy({ settings: { ...settings, feature_weights: weights } })} />
    </QueryClientProvider>
  );
}

const shown = (weights?: Record<string, number>) => render(form(weights));

/** What the fields allow is the browser's to check. */
const saved = () => fireEvent.submit(screen.getByRole("form", { name: "Settings" }));

test("only what was changed is saved", async () => {
  shown();
  await userEvent.click(screen.getByRole("radio", { name: /After approval/ }));
  const below = screen.getByRole("spinbutton", { name: "Retrain below" });
  await userEvent.clear(below);
  await userEvent.type(below, "85");

  saved();

  const changes = { activation_mode: "approve", degradation_ratio: 0.85 };
  await vi.waitFor(() => expect(sent).toEqual([changes]));
});

test("what is half typed stays while the page is drawn anew, and counts at once", async () => {
  const { rerender } = shown();
  const least = screen.getByRole<HTMLInputElement>("spinbutton", { name: "Minimum trades" });
  await userEvent.clear(least);
  rerender(form());
  expect(least.value).toBe("");

  await userEvent.type(least, "25");
  rerender(form());

  expect(least.value).toBe("25");
  expect(screen.getByText("Not saved yet")).toBeTruthy();
});

test("weights that are neutral again are not saved", async () => {
  shown({ macd: 0.5, rsi: 2 });
  fireEvent.input(screen.getByRole("slider", { name: "rsi" }), { target: { value: "1" } });

  saved();

  await vi.waitFor(() => expect(sent).toEqual([{ feature_weights: { macd: 0.5 } }]));
});

test("there is nothing to save before anything is changed, and after it is discarded", async () => {
  shown();
  const save = screen.getByRole<HTMLButtonElement>("button", { name: "Save settings" });
  expect(save.disabled).toBe(true);

  await userEvent.click(screen.getByRole("switch", { name: "Retrain automatically" }));
  expect(save.disabled).toBe(false);
  await userEvent.click(screen.getByRole("button", { name: "Discard" }));

  expect(save.disabled).toBe(true);
});
