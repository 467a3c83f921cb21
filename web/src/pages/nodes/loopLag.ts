/** The answer of `GET nodes/{}/loop-lag`, HareMQ's own. */
export interface LoopLag {
  step_ms: number;
  span_ms: number;
  bounds_ms: readonly number[];
  /** Probes of each class; one class more than bounds. */
  counts: readonly number[];
  probes: number;
  mean_ms: number;
  p50_ms: number;
  p99_ms: number;
  max_ms: number;
}

/** A class of probes as it is drawn. */
export interface Bar {
  /** Under it: `5`, `1 s`, `later`. */
  title: string;
  /** In words: "over 2 ms, up to 5 ms". */
  range: string;
  count: number;
  /** Of the whole height: each tenfold is one step more. */
  share: number;
  isLong: boolean;
  /** What lies in this class: `p50`, `p99`, `max`. */
  marks: readonly string[];
}

/** What no other client waits for longer: the promise of a turn. */
const LONG_MS = 100;

/** The classes as bars. A class of one probe in ten thousand is seen, for the height grows with each tenfold. */
export function barsOf(lag: LoopLag): Bar[] {
  const top = topOf(lag);
  const placeOf = (ms: number): number => {
    const at = lag.bounds_ms.findIndex((bound) => ms <= bound);
    return at < 0 ? lag.bounds_ms.length : at;
  };
  const places = lag.probes === 0 ? [] : [["p50", placeOf(lag.p50_ms)], ["p99", placeOf(lag.p99_ms)], ["max", placeOf(lag.max_ms)]] as const;
  return lag.counts.map((count, index) => {
    const bound = lag.bounds_ms[index];
    const before = lag.bounds_ms[index - 1];
    return {
      title: bound === undefined ? "later" : boundText(bound),
      range: bound === undefined ? `over ${lagText(before ?? 0)}` : before === undefined ? `up to ${lagText(bound)}` : `over ${lagText(before)}, up to ${lagText(bound)}`,
      count,
      share: count === 0 ? 0 : (1 + Math.log10(count)) / (1 + Math.log10(top)),
      isLong: (before ?? 0) >= LONG_MS,
      marks: places.filter(([, place]) => place === index).map(([name]) => name),
    };
  });
}

/** The lines behind the bars: `1`, `10`, `100`, with their height. */
export function marksOf(lag: LoopLag): { count: number; share: number }[] {
  const top = topOf(lag);
  const steps = Math.round(Math.log10(top));
  return Array.from({ length: steps + 1 }, (_, step) => ({ count: 10 ** step, share: (1 + step) / (1 + steps) }));
}

/** The next power of ten above all counts. */
function topOf(lag: LoopLag): number {
  return 10 ** Math.max(1, Math.ceil(Math.log10(Math.max(1, ...lag.counts))));
}

/** A lag with what matters of it: `0.4 ms`, `82 ms`, `1.2 s`. */
export function lagText(ms: number): string {
  if (ms === 0) return "0 ms";
  if (ms < 9.95) return `${shortest(ms, 1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return `${shortest(ms / 1000, 1)} s`;
}

function boundText(ms: number): string {
  return ms < 1000 ? shortest(ms, 1) : `${shortest(ms / 1000, 1)} s`;
}

function shortest(value: number, digits: number): string {
  return value < 0.05 ? "< 0.1" : String(Number(value.toFixed(digits)));
}

/** One sentence for those who do not see the bars. */
export function summaryOf(lag: LoopLag): string {
  if (lag.probes === 0) return "No probe has run yet.";
  return `Loop lag: half of the probes up to ${lagText(lag.p50_ms)}, 99 of 100 up to ${lagText(lag.p99_ms)}, the longest ${lagText(lag.max_ms)}.`;
}
