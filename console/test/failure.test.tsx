import { QueryClient, QueryClientProvider } from "@tanstack/preact-query";
import { cleanup, render, screen } from "@testing-library/preact";
import type { ComponentChild } from "preact";
import { afterEach, expect, test, vi } from "vitest";
import { timeOfDay } from "../src/domain/times";
import { Overview } from "../src/strategy/overview";
import { History } from "../src/training/history";
import { decision, ID, NOON, run, strategy } from "./shapes";

const error = { code: "no_features", message: "no trade has a feature to learn from" };
const failed = run({ status: "failed", finished_at: NOON, error });

function show(page: ComponentChild): void {
  vi.stubGlobal("fetch", async ({ url }: Request) => {
    await Promise.resolve();
    const items = url.includes("training-runs") ? [failed] : [];
    return Response.json({ items, next: null, weeks: [] });
  });
  render(<QueryClientProvider client={new QueryClient()}>{page}</QueryClientProvider>);
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test("the overview tells why the last training failed, and when the next one is tried", async () => {
  const due = decision({ should_retrain: true, reason: "initial training" });
  show(
    <Overview strategy={strategy({ failures: 1, next_eligible_at: NOON, last_decision: due })} />,
  );

  expect(await screen.findByText(/The last training failed/)).toHaveProperty(
    "textContent",
    expect.stringContaining(error.message),
  );
  expect(
    screen.getByText(`Failed, next try ${timeOfDay(NOON)}: 1 failed training in a row`),
  ).toBeTruthy();
});

test("the overview is silent about a failure that a later training has made good", async () => {
  show(<Overview strategy={strategy()} />);

  await screen.findByText(/No trade has closed/);
  expect(screen.queryByText(/failed/)).toBeNull();
});

test("the history tells why a training failed", async () => {
  show(<History id={ID} />);

  expect(await screen.findByText(new RegExp(error.message))).toBeTruthy();
});
