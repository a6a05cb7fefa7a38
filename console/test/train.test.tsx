import { QueryClientProvider } from "@tanstack/preact-query";
import { cleanup, render, screen } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { queries } from "../src/api/queries";
import { TrainPanel } from "../src/training/train";
import { run, strategy } from "./shapes";

afterEach(() => {
  cleanup();
  queries.clear();
  vi.unstubAllGlobals();
});

test("a click after no answer asks for the same training, one after an answer for another", async () => {
  const keys: (string | null)[] = [];
  const ended = run({ status: "failed", error: { code: "internal_error", message: "oops" } });
  vi.stubGlobal("fetch", async (asked: Request | string) => {
    await Promise.resolve();
    if (typeof asked === "string") return Response.json({ ok: true, problems: [] });
    if (asked.method === "GET") return Response.json(ended);
    keys.push(asked.headers.get("idempotency-key"));
    if (keys.length === 1) throw new TypeError("connection lost");
    return Response.json({ training_run: ended, not_started: null });
  });
  render(
    <QueryClientProvider client={queries}>
      <TrainPanel strategy={strategy({ live_run: null })} />
    </QueryClientProvider>,
  );
  const button = () => screen.findByRole("button", { name: "Train ML Model" });

  await userEvent.click(await button());
  await screen.findByText(/did not get through/);
  await userEvent.click(await button());
  await screen.findByText("The training failed");
  await userEvent.click(await button());
  await vi.waitFor(() => expect(keys).toHaveLength(3));

  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
});
