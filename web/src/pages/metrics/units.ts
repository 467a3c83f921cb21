import type { Measure } from "../../components/measures";
import { bytes } from "../../format/bytes";
import { count, type Measured } from "../../format/count";
import { MISSING, type Parts } from "../../format/parts";
import { rate } from "../../format/rate";

/** A value in the unit that the name of its metric ends in. */
export function amount(name: string, value: Measured): Parts {
  if (typeof value !== "number" || Number.isNaN(value)) return MISSING;
  if (!Number.isFinite(value)) return [{ value: value > 0 ? "+∞" : "−∞" }];
  if (isBytes(name)) return bytes(value);
  if (/_seconds(_total|_sum)?$/.test(name)) return [{ value: digits(value), unit: " s" }];
  return Number.isInteger(value) ? count(value) : [{ value: digits(value) }];
}

/** How fast it grows, in the same unit. */
export function growth(name: string, perSecond: Measured): Parts {
  if (!isBytes(name)) return rate(perSecond);
  const parts = bytes(typeof perSecond === "number" ? Math.round(perSecond) : perSecond);
  return parts === MISSING ? parts : parts.map((part) => ({ ...part, unit: `${part.unit ?? ""}/s` }));
}

export function measureOf(name: string, isGrowth: boolean): Measure {
  if (isBytes(name)) return "bytes";
  if (/_seconds/.test(name)) return "lag";
  return isGrowth ? "publish" : "ready";
}

function isBytes(name: string): boolean {
  return /_bytes(_total|_sum)?$/.test(name);
}

/** Four digits that matter. */
function digits(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(Math.max(4, Math.ceil(Math.log10(Math.abs(value) + 1)) + 1))));
}
