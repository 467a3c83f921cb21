import type { Metric } from "./exposition";

/** Values of one series, oldest first; times in seconds since 1970. */
export interface Trace {
  times: number[];
  values: number[];
}

export type Traces = Map<string, Trace>;

/** Half an hour at one answer each five seconds. */
const POINTS_MAX = 360;

/** Of ten thousand queues each has series: so many are remembered, those of the open metric first. */
const SERIES_MAX = 2_000;

/** Note the values of an answer. What is not in it, or has no room, is forgotten. */
export function noteTraces(traces: Traces, metrics: readonly Metric[], atS: number, open: string | undefined): void {
  const first = metrics.filter((metric) => metric.name === open);
  const wanted = [...first, ...metrics.filter((metric) => metric.name !== open)].flatMap((metric) => metric.series).slice(0, SERIES_MAX);
  const kept = new Set(wanted.map((series) => series.key));
  for (const key of traces.keys()) if (!kept.has(key)) traces.delete(key);
  for (const { key, value } of wanted) {
    const trace = traces.get(key) ?? { times: [], values: [] };
    if (trace.times.at(-1) === atS) continue;
    trace.times.push(atS);
    trace.values.push(value);
    if (trace.times.length > POINTS_MAX) {
      trace.times.shift();
      trace.values.shift();
    }
    traces.set(key, trace);
  }
}

/** How fast a counter grew from each point to the next; null where it was restarted. */
export function growthOf(trace: Trace): (number | null)[] {
  return trace.values.map((value, index) => {
    const before = trace.values[index - 1];
    const span = (trace.times[index] ?? 0) - (trace.times[index - 1] ?? 0);
    return before === undefined || value < before || span <= 0 ? null : (value - before) / span;
  });
}

/** How fast several counters grew together at last; undefined before the second answer. */
export function growthNow(traces: Traces, keys: readonly string[]): number | undefined {
  const known = keys.flatMap((key) => {
    const trace = traces.get(key);
    const last = trace && growthOf({ times: trace.times.slice(-2), values: trace.values.slice(-2) })[1];
    return last === undefined || last === null ? [] : [last];
  });
  return known.length === 0 ? undefined : known.reduce((sum, one) => sum + one, 0);
}
