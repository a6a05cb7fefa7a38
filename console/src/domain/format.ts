/** How figures are written. Times are in times.ts. */

const ABSENT = "–";

export function percent(share: number | null | undefined, digits = 0): string {
  if (share == null) return ABSENT;
  return new Intl.NumberFormat("en", {
    style: "percent",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(share);
}

export function count(value: number | null | undefined): string {
  return value == null ? ABSENT : new Intl.NumberFormat("en").format(value);
}

export function decimal(value: number | null | undefined, digits: number): string {
  return value == null ? ABSENT : value.toFixed(digits);
}

/** With its sign, a real minus: −0.04. */
export function signed(value: number | null | undefined, digits: number): string {
  if (value == null) return ABSENT;
  const size = Math.abs(value).toFixed(digits);
  const sign = Number(size) === 0 ? "±" : value > 0 ? "+" : "−";
  return `${sign}${size}`;
}

/** Percentage points, with their sign. */
export function points(share: number | null | undefined): string {
  return share == null ? ABSENT : `${signed(share * 100, 1)} points`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A user's id, short enough to read; whoever looks at it may be that user. */
export function person(id: string | null, viewer: string | null): string {
  if (id === null) return "the gate";
  return id === viewer ? "you" : `user …${id.slice(-6)}`;
}

export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
