import { QueryClient } from "@tanstack/preact-query";
import { afterEach, expect, test, vi } from "vitest";
import { down, lost } from "../src/api/reach";
import { turns } from "../src/api/turns";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("while the API is away it is asked again, and everything is read anew when it is back", async () => {
  vi.useFakeTimers();
  const health = [
    () => Promise.reject(new TypeError("refused")),
    () =>
      Promise.resolve(Response.json({ problems: [{ message: "no database" }] }, { status: 503 })),
    () => Promise.resolve(Response.json({ ok: true, problems: [] })),
  ];
  vi.stubGlobal("fetch", () => health.shift()?.());
  const queries = new QueryClient();
  queries.setQueryData(["strategies"], "old");

  lost(queries);
  lost(queries);
  await vi.advanceTimersByTimeAsync(0);
  expect(down.value).toBe("The API does not answer.");
  await vi.advanceTimersByTimeAsync(2000);
  expect(down.value).toBe("no database");
  await vi.advanceTimersByTimeAsync(2000);

  expect(down.value).toBeNull();
  expect(queries.getQueryState(["strategies"])?.isInvalidated).toBe(true);
});

test("no more than so many work at once, and all come to their turn", async () => {
  const inTurn = turns(2);
  let [running, most] = [0, 0];
  const work = () =>
    inTurn(async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      return running--;
    });

  await Promise.all(Array.from({ length: 7 }, work));

  expect([most, running]).toEqual([2, 0]);
});
