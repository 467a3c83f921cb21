export interface SparkPath {
  line: string;
  isFlat: boolean;
  /** Where the newest value is drawn. */
  lastY: number;
}

/** The line of a sparkline from its lowest to its highest value; flat at the foot where nothing moves. */
export function sparkPath(values: readonly number[], width: number, height: number): SparkPath {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const foot = height - 1;
  if (values.length < 2 || high === low) return { line: `M0 ${foot}H${width}`, isFlat: true, lastY: foot };
  const points = values.map((value, index) => {
    const x = (index / (values.length - 1)) * width;
    const y = foot - ((value - low) / (high - low)) * (height - 3);
    return { x: rounded(x), y: rounded(y) };
  });
  const line = points.map((point, index) => `${index === 0 ? "M" : "L"}${point.x} ${point.y}`).join("");
  return { line, isFlat: false, lastY: points.at(-1)?.y ?? foot };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
