/** A share of a whole in percent, `41 %`; 0 of 0 is 0. Shown only beside the two numbers. */
export function share(part: number, whole: number): string {
  return `${Math.round(shareOf(part, whole) * 100)} %`;
}

/** The same as a fraction from 0 to 1. */
export function shareOf(part: number, whole: number): number {
  if (whole <= 0) return 0;
  return Math.min(1, Math.max(0, part / whole));
}
