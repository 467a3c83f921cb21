/** When a queue will be empty, or that it never will. */
export interface Drain {
  /** Milliseconds until it is empty; undefined where it is empty, grows, or nothing is known. */
  inMs?: number;
  word: "empty" | "grows" | "rests" | "drains" | "unknown";
}

/** Judge a queue by its ready messages and how they change in a second. */
export function drainOf(ready: number | undefined, changePerSecond: number | undefined): Drain {
  if (ready === undefined || changePerSecond === undefined) return { word: "unknown" };
  if (ready === 0) return { word: "empty" };
  if (Math.abs(changePerSecond) < 0.05) return { word: "rests" };
  if (changePerSecond > 0) return { word: "grows" };
  return { word: "drains", inMs: (ready / -changePerSecond) * 1000 };
}

/** How fast a line changes: from the value half a minute before its end to the last one. */
export function slopeOf(times: readonly number[], values: readonly (number | null)[], spanS = 30): number | undefined {
  const last = values.length - 1;
  const end = values[last];
  const endTime = times[last];
  if (end === null || end === undefined || endTime === undefined) return undefined;
  for (let index = last - 1; index >= 0; index -= 1) {
    const value = values[index];
    const time = times[index] ?? endTime;
    if (value !== null && value !== undefined && endTime - time >= spanS) return (end - value) / (endTime - time);
  }
  return undefined;
}
