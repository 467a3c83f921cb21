import { isMeasured, type Measured } from "./count";
import { MISSING, type Parts } from "./parts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A length of time in two units at most: `27 m 04 s`, `2 h 09 m`, `6 d 04 h`, `41 s`, `60 ms`. */
export function age(milliseconds: Measured): Parts {
  if (!isMeasured(milliseconds)) return MISSING;
  const span = Math.max(0, milliseconds);
  if (span < SECOND_MS) return [{ value: String(Math.floor(span)), unit: " ms" }];
  if (span < MINUTE_MS) return [{ value: String(Math.floor(span / SECOND_MS)), unit: " s" }];
  if (span < HOUR_MS) return two(span, MINUTE_MS, " m", SECOND_MS, " s");
  if (span < DAY_MS) return two(span, HOUR_MS, " h", MINUTE_MS, " m");
  return two(span, DAY_MS, " d", HOUR_MS, " h");
}

/** The same in its first unit alone: `27 m`, for narrow columns. */
export function roughAge(milliseconds: Measured): Parts {
  return age(milliseconds).slice(0, 1);
}

function two(span: number, large: number, largeUnit: string, small: number, smallUnit: string): Parts {
  const rest = Math.floor((span % large) / small);
  return [
    { value: String(Math.floor(span / large)), unit: largeUnit },
    { value: String(rest).padStart(2, "0"), unit: smallUnit },
  ];
}
