export interface WaveLine {
  path: string;
  opacity: number;
}

const STEP = 16;
const CREST_HEIGHT = 86;

/** Lines one under the other, lifted by one crest that moves to the right from line to line. */
export function waveLines(count: number, width: number, top: number, bottom: number): WaveLine[] {
  return Array.from({ length: count }, (_, index) => {
    const depth = index / (count - 1);
    const base = top + (bottom - top) * depth;
    const strength = Math.sin(Math.PI * depth) ** 1.5;
    const crest = 110 + 560 * depth;
    const points = Array.from({ length: width / STEP + 1 }, (_, step) => {
      const x = step * STEP;
      return `${x} ${rounded(base - lift(x, crest) * strength * CREST_HEIGHT)}`;
    });
    return { path: `M${points.join("L")}`, opacity: rounded(0.26 + 0.64 * strength) };
  });
}

/** The crest, steep in front, and the smaller waves behind it. */
function lift(x: number, crest: number): number {
  const away = x - crest;
  const main = Math.exp(-((away / (away > 0 ? 70 : 110)) ** 2));
  const wake = away < 0 ? 0.34 * Math.exp(away / 260) * Math.sin(-away / 38 - 1.9) : 0;
  return main + wake;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
