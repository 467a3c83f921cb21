import { Store } from "./store";
import { keptStore } from "./kept";

/** A span of time that all charts of a page share. */
export interface Range {
  id: string;
  title: string;
  /** How far back, in seconds. */
  ageS: number;
  /** From one sample to the next, in seconds; never under the broker's tick of 5. */
  stepS: number;
}

export const RANGES: readonly Range[] = [
  { id: "1m", title: "1 m", ageS: 60, stepS: 5 },
  { id: "10m", title: "10 m", ageS: 600, stepS: 5 },
  { id: "1h", title: "1 h", ageS: 3600, stepS: 60 },
  { id: "6h", title: "6 h", ageS: 21_600, stepS: 300 },
  { id: "24h", title: "24 h", ageS: 86_400, stepS: 900 },
];

const DEFAULT: Range = { id: "10m", title: "10 m", ageS: 600, stepS: 5 };

const rangeId = keptStore<string>("range", DEFAULT.id, (value): value is string =>
  RANGES.some((range) => range.id === value),
);

/** The range that is chosen. */
export const range = new Store<Range>(byId(rangeId.get()));

/** Whether polling and charts stand still (Space). */
export const paused = new Store(false);

/** The moment under the crosshair in milliseconds, shared by all charts; null is the newest. */
export const crosshair = new Store<number | null>(null);

/** What was dragged over: a window in seconds since 1970 for all charts; null is the whole range. */
export const zoom = new Store<{ from: number; to: number } | null>(null);

export function chooseRange(id: string): void {
  rangeId.set(id);
  zoom.set(null);
  range.set(byId(id));
}

function byId(id: string): Range {
  return RANGES.find((candidate) => candidate.id === id) ?? DEFAULT;
}
