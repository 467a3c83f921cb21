import { MISSING, type Parts } from "./parts";

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const SHORT_FROM = 10_000_000;
const STEPS: readonly [number, string][] = [
  [1e12, " T"],
  [1e9, " G"],
  [1e6, " M"],
];

/** A number that a program may have left out. */
export type Measured = number | null | undefined;

/** Whether there is a number at all: not null, not undefined, not NaN. */
export function isMeasured(value: Measured): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** All digits, grouped by thousands: `344,288`. */
export function wholeCount(value: number): string {
  return WHOLE.format(value);
}

/** A count: `344,288`; from 10 million `412.9 M`, never `344 k`. */
export function count(value: Measured): Parts {
  if (!isMeasured(value)) return MISSING;
  if (Math.abs(value) < SHORT_FROM) return [{ value: WHOLE.format(value) }];
  const [size, letter] = STEPS.find(([least]) => Math.abs(value) >= least) ?? [1e6, " M"];
  return [{ value: TENTHS.format(value / size) + letter }];
}

/** A short count for the axis of a chart: `1.5 M`, `60 k`, `800`. */
export function axisCount(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${shortest(value / 1e9)} G`;
  if (size >= 1e6) return `${shortest(value / 1e6)} M`;
  if (size >= 1e3) return `${shortest(value / 1e3)} k`;
  return shortest(value);
}

function shortest(value: number): string {
  return String(Math.round(value * 100) / 100);
}
