/** What is measured; each has one colour on every page (tokens.css). */
export type Measure = "publish" | "deliver" | "ack" | "ready" | "unacked" | "redeliver" | "bytes" | "lag";

/** The dashes of a line on a canvas: lines differ in stroke as well as in colour. */
export function dashOf(measure: Measure): number[] {
  if (measure === "ack") return [4, 3];
  if (measure === "redeliver") return [1.5, 2.5];
  return [];
}
