import type { Counters, Details, Sample, Totals } from "./types";

/** The rate of a counter a second; undefined where it is not counted. */
export function rateOf(stats: Counters | undefined, counter: string): number | undefined {
  return detailsOf(stats, counter)?.rate;
}

/** The total of a counter since it began; undefined where it is not counted. */
export function totalOf(stats: Counters | undefined, counter: string): number | undefined {
  const value = stats?.[counter];
  return typeof value === "number" ? value : undefined;
}

/** Rate and samples of a counter. */
export function detailsOf(stats: Counters | undefined, counter: string): Details | undefined {
  const value = stats?.[`${counter}_details`];
  return typeof value === "object" ? value : undefined;
}

/** The samples of a length: `messages_ready` and its like. */
export function lengthSamples(totals: Totals | undefined, length: keyof Totals): Sample[] | undefined {
  const value = totals?.[`${length}_details` as keyof Totals];
  return typeof value === "object" ? value.samples : undefined;
}
