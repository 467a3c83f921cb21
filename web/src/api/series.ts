import type { Details, Sample } from "./types";

/** A value for each of the times; null where there is none. */
export type Values = (number | null)[];

/** Lines over one time axis, oldest first, times in seconds since 1970. */
export interface Series {
  times: number[];
  lines: Values[];
}

/** Lengths as they were: one line for each list of samples. */
export function lengthSeries(lists: readonly (Sample[] | undefined)[]): Series {
  return joined(lists.map((samples) => points(samples)));
}

/** Rates a second from samples of counters: what was added from one sample to the next. */
export function rateSeries(details: readonly (Details | undefined)[]): Series {
  return joined(details.map((detail) => added(points(detail?.samples))));
}

/** The sum of several lines, point by point; null where none has a value. */
export function sumOf(lines: readonly Values[]): Values {
  const length = Math.max(0, ...lines.map((line) => line.length));
  return Array.from({ length }, (_, index) => {
    const known = lines.map((line) => line[index]).filter((value) => value !== null && value !== undefined);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
  });
}

interface Point {
  time: number;
  value: number | null;
}

function points(samples: Sample[] | undefined): Point[] {
  return (samples ?? [])
    .map((sample) => ({ time: sample.timestamp / 1000, value: sample.sample }))
    .sort((one, other) => one.time - other.time);
}

/** A counter that went back was restarted: no rate is known for that step. */
function added(line: Point[]): Point[] {
  return line.slice(1).map((point, index) => {
    const before = line[index] as Point & { value: number };
    const step = (point.value ?? 0) - before.value;
    const span = point.time - before.time;
    return { time: point.time, value: step < 0 || span <= 0 ? null : step / span };
  });
}

function joined(lines: Point[][]): Series {
  const times = [...new Set(lines.flatMap((line) => line.map((point) => point.time)))].sort((a, b) => a - b);
  return {
    times,
    lines: lines.map((line) => {
      const byTime = new Map(line.map((point) => [point.time, point.value]));
      return times.map((time) => byTime.get(time) ?? null);
    }),
  };
}
