import { isMeasured, wholeCount, type Measured } from "./count";
import { MISSING, type Parts } from "./parts";

/** The digits of a rate: whole from 10, one decimal under it, `< 0.1` for what barely moves. */
export function rateDigits(perSecond: number): string {
  if (perSecond === 0) return "0";
  const size = Math.abs(perSecond);
  if (size < 0.05) return "< 0.1";
  if (size < 9.95) return perSecond.toFixed(1);
  return wholeCount(perSecond);
}

/** Something a second: `18,204/s`; under 10 with one decimal, `4.2/s`. */
export function rate(perSecond: Measured): Parts {
  if (!isMeasured(perSecond)) return MISSING;
  return [{ value: rateDigits(perSecond), unit: "/s" }];
}

/** The same for a column whose head names the unit. */
export function bareRate(perSecond: Measured): Parts {
  if (!isMeasured(perSecond)) return MISSING;
  return [{ value: rateDigits(perSecond) }];
}
