/** A formatted number: values in the text's colour, units dimmed beside them. */
export interface Part {
  value: string;
  /** The unit behind the value, with its own leading space where it has one. */
  unit?: string;
}

export type Parts = readonly Part[];

/** What a missing number is shown as. The tooltip says why it is missing. */
export const MISSING: Parts = [{ value: "–" }];

/** The parts as one plain text, for tooltips, exports and tests. */
export function textOf(parts: Parts): string {
  return parts.map((part) => part.value + (part.unit ?? "")).join(" ").replace(/\s+/g, " ");
}
