import { QueryClient, QueryClientProvider } from "@tanstack/preact-query";
import { cleanup, render, screen } from "@testing-library/preact";
import { afterEach, expect, test, vi } from "vitest";
import { StrategyTable } from "../src/strategies/table";
import { NOON, summary } from "./shapes";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test.each([
  [null, null, "no model yet"],
  [null, NOON, "base rate"],
  ["v3", NOON, "v3"],
])("what bots use, with version %s and last training %s, is %s", (version, trained, told) => {
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
  const strategy = summary({ ml_model_version: version, ml_model_trained_at: trained });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <StrategyTable strategies={[strategy]} sort="name" busy={false} onSort={() => undefined} />
    </QueryClientProvider>,
  );

  expect(screen.getByText(told)).toBeTruthy();
});

test("a strategy whose training failed says so, and when it is tried again", () => {
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
  const strategy = summary({ failures: 1, next_eligible_at: "2100-01-01T20:36:00Z" });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <StrategyTable strategies={[strategy]} sort="name" busy={false} onSort={() => undefined} />
    </QueryClientProvider>,
  );

  expect(screen.getByText(/^Failed/)).toBeTruthy();
});
