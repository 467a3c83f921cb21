const STEPS = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

/** The top of an axis that begins at 0 and has so many equal parts of a round size. */
export function axisTop(highest: number, parts: number, isWhole: boolean): number {
  const least = Math.max(highest, 0) / parts;
  if (least === 0) return isWhole ? parts : parts * 0.25;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = (STEPS.find((candidate) => candidate * power >= least * 0.9999) ?? 10) * power;
  return parts * (isWhole ? Math.max(1, Math.ceil(step)) : step);
}

/** Marks from 0 to the top, each part one. */
export function axisMarks(top: number, parts: number): number[] {
  return Array.from({ length: parts + 1 }, (_, index) => (top / parts) * index);
}

/** Times for labels: the ends of a range and the steps in between. */
export function timeMarks(from: number, to: number, steps: number): number[] {
  return Array.from({ length: steps + 1 }, (_, index) => from + ((to - from) / steps) * index);
}

/** The place of the time nearest to a moment, in seconds; the last one for null; -1 of none. */
export function nearestIndex(times: readonly number[], at: number | null): number {
  if (at === null || times.length === 0) return times.length - 1;
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  const before = times[low - 1];
  return before !== undefined && at - before < (times[low] ?? 0) - at ? low - 1 : low;
}
