import { isMeasured, type Measured } from "./count";
import { MISSING, type Parts } from "./parts";

const UNITS = [" B", " KiB", " MiB", " GiB", " TiB", " PiB"] as const;

/** Bytes in binary units with up to three digits: `82.1 GiB`, `8.4 KiB`, `793 KiB`, `136 B`. */
export function bytes(value: Measured): Parts {
  if (!isMeasured(value)) return MISSING;
  let size = value;
  let step = 0;
  // 1023.5 would be shown as 1024 of a unit, so that it belongs to the next one.
  while (Math.abs(size) >= 1023.5 && step < UNITS.length - 1) {
    size /= 1024;
    step += 1;
  }
  return [{ value: digits(size, step), unit: UNITS[step] ?? " B" }];
}

/** Bytes a second: `3.3 MiB/s`. */
export function bytesRate(value: Measured): Parts {
  return bytes(value).map((part) => (part.unit ? { ...part, unit: `${part.unit}/s` } : part));
}

function digits(size: number, step: number): string {
  if (step === 0) return String(Math.round(size));
  return Math.abs(size) >= 99.95 ? String(Math.round(size)) : size.toFixed(1);
}
