import { expect, test } from "vitest";
import { count, percent, person, plural, signed } from "../src/domain/format";
import { ago, lasting, utc } from "../src/domain/times";
import { AT_NOON, NOON, USER } from "./shapes";

test("figures that are missing are a dash", () => {
  expect([percent(null), count(undefined), signed(null, 2)]).toEqual(["–", "–", "–"]);
});

test("figures are written as people write them", () => {
  expect(percent(0.513)).toBe("51%");
  expect(percent(0.513, 1)).toBe("51.3%");
  expect(count(12345)).toBe("12,345");
  expect(signed(-0.035, 2)).toBe("−0.04");
  expect(signed(0.0001, 2)).toBe("±0.00");
  expect(plural(1, "trade")).toBe("1 trade");
  expect(plural(2, "loss", "losses")).toBe("2 losses");
});

test("a person is you, somebody, or the gate", () => {
  expect(person(USER, USER)).toBe("you");
  expect(person(USER, null)).toBe("user …abcdef");
  expect(person(null, USER)).toBe("the gate");
});

test("a moment is told by how long ago it was, and in UTC", () => {
  expect(ago(NOON, AT_NOON + 59_000)).toBe("just now");
  expect(ago(NOON, AT_NOON + 3 * 3_600_000)).toBe("3 hours ago");
  expect(utc("2026-03-02T13:00:00+01:00")).toBe("2026-03-02 12:00:00 UTC");
});

test.each([
  [400, "0.4 s"],
  [60_000, "60 s"],
  [3_600_000, "60 min"],
  [86_400_000, "24 h"],
  [5 * 86_400_000, "5 days"],
])("%i milliseconds last %s", (milliseconds, words) => {
  expect(lasting(milliseconds)).toBe(words);
});
