import { cleanup, fireEvent, render, screen } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { ask, ConfirmDialog } from "../src/parts/confirm";
import { Gauge } from "../src/parts/gauge";
import { StateBadge } from "../src/parts/badge";
import { Loaded } from "../src/parts/states";
import { Tabs } from "../src/parts/tabs";
import { done, Toasts } from "../src/parts/toasts";
import { WeightSliders } from "../src/training/weights";
import { stateOf } from "../src/domain/state";
import { StrategyTable } from "../src/strategies/table";
import { summary } from "./shapes";

vi.mock("../src/strategies/trend", () => ({ Trend: () => null }));

afterEach(cleanup);

test("a gauge says its figures to those who cannot see it", () => {
  render(
    <Gauge
      told={{
        name: "new_trades",
        title: "New trades",
        dial: { kind: "fill", share: 0.64 },
        reading: "32",
        words: "32 of 50 new trades",
        distance: "18 to go",
        fired: false,
        beside: null,
      }}
    />,
  );

  const meter = screen.getByRole("meter", { name: "New trades" });
  expect(meter.getAttribute("aria-valuenow")).toBe("64");
  expect(meter.getAttribute("aria-valuetext")).toBe("32 of 50 new trades, 18 to go");
});

test("the answer to a question is its reason, and null when it is no", async () => {
  render(<ConfirmDialog />);
  const question = { title: "Activate v1?", text: "It is pinned.", confirm: "Activate v1" };

  const yes = ask({ ...question, reason: true });
  await userEvent.type(await screen.findByRole("textbox"), " calmer ");
  await userEvent.click(screen.getByRole("button", { name: "Activate v1" }));
  expect(await yes).toEqual({ reason: "calmer" });

  const no = ask(question);
  await userEvent.click(await screen.findByRole("button", { name: "Keep it as it is" }));
  expect(await no).toBeNull();
});

test("what was done can be taken back from its message, once", async () => {
  const undo = vi.fn();
  render(<Toasts />);
  done("v1 is live, and pinned.", undo);

  await userEvent.click(await screen.findByRole("button", { name: "Undo" }));

  expect(undo).toHaveBeenCalledOnce();
  expect(screen.queryByText("v1 is live, and pinned.")).toBeNull();
});

test("arrow keys go from tab to tab", async () => {
  const tabs = [
    { name: "Overview", href: "#/a" },
    { name: "ML Training", href: "#/b" },
  ];
  render(<Tabs label="Momentum" tabs={tabs} selected="Overview" />);
  screen.getByRole("tab", { name: "Overview" }).focus();

  await userEvent.keyboard("{ArrowRight}");

  expect(document.activeElement).toBe(screen.getByRole("tab", { name: "ML Training" }));
});

test("a part of the page is a skeleton, then a failure to try again, then its data", async () => {
  const refetch = vi.fn();
  const of = { data: undefined as string | undefined, error: null as Error | null, refetch };
  const { rerender } = render(
    <Loaded of={of} height={10}>
      {(data) => data}
    </Loaded>,
  );
  expect(screen.getByText("Loading …")).toBeTruthy();

  rerender(
    <Loaded of={{ ...of, error: new Error("away") }} height={10}>
      {(data) => data}
    </Loaded>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(refetch).toHaveBeenCalledOnce();

  rerender(
    <Loaded of={{ ...of, data: "here" }} height={10}>
      {(data) => data}
    </Loaded>,
  );
  expect(screen.getByText("here")).toBeTruthy();
});

test("a slider changes its own weight and leaves the others", () => {
  const change = vi.fn();
  render(<WeightSliders weights={{ macd: 0.5, rsi: 2 }} report={null} change={change} />);

  fireEvent.input(screen.getByRole("slider", { name: "rsi" }), { target: { value: "1.5" } });

  expect(change).toHaveBeenCalledWith({ macd: 0.5, rsi: 1.5 });
});

test("a strategy's name is text, whatever it holds", () => {
  const name = "<script>alert(1)</script>";
  render(
    <StrategyTable
      strategies={[summary({ name })]}
      sort="name"
      busy={false}
      onSort={() => undefined}
    />,
  );

  expect(screen.getByRole("link", { name })).toBeTruthy();
  expect(document.querySelector("script")).toBeNull();
});

test("sorting by the sorted column turns it round", async () => {
  const onSort = vi.fn();
  render(<StrategyTable strategies={[summary()]} sort="name" busy={false} onSort={onSort} />);

  await userEvent.click(screen.getByRole("button", { name: "Strategy" }));
  await userEvent.click(screen.getByRole("button", { name: "Champion" }));

  expect(onSort.mock.calls).toEqual([["-name"], ["trained_at"]]);
});

test("a badge has the state's word", () => {
  render(<StateBadge state={stateOf(summary({ waiting_version: "v3" }))} />);

  expect(screen.getByText("Needs approval").title).toBe("v3 waits for approval");
});
