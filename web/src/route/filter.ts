/** A typed word of a filter, such as `ready:>1000` or `state:flow`. */
export interface TypedWord {
  field: string;
  op: "=" | ">" | "<";
  value: string;
}

export interface Filter {
  /** Words that a name must hold. */
  text: string;
  typed: TypedWord[];
}

const TYPED = /^([a-z][a-z-]*):(>|<|=)?(.+)$/;
const UNITS: Record<string, number> = {
  k: 1e3,
  m: 1e6,
  g: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};
const SPANS_MS: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

/** Read a filter; a word whose field is not among these is part of the name. */
export function parseFilter(text: string, fields: readonly string[]): Filter {
  const typed: TypedWord[] = [];
  const rest: string[] = [];
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    const [, field, op, value] = TYPED.exec(word) ?? [];
    if (field !== undefined && value !== undefined && fields.includes(field)) {
      typed.push({ field, op: (op ?? "=") as TypedWord["op"], value });
    } else rest.push(word);
  }
  return { text: rest.join(" "), typed };
}

/** The same as one text. */
export function formatFilter(filter: Filter): string {
  return [...filter.typed.map(wordText), filter.text].filter((part) => part !== "").join(" ");
}

export function wordText(word: TypedWord): string {
  return `${word.field}:${word.op === "=" ? "" : word.op}${word.value}`;
}

/** Whether a name holds every word, in any case. */
export function nameMatches(name: string, text: string): boolean {
  const low = name.toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => low.includes(word));
}

/** Whether a value of a row fits a word. A number or an age is compared, a text must hold the word. */
export function valueMatches(value: unknown, word: TypedWord, isAge = false): boolean {
  if (typeof value === "number") {
    const wanted = isAge ? spanOf(word.value) : numberOf(word.value);
    if (wanted === null) return false;
    if (word.op === ">") return value > wanted;
    if (word.op === "<") return value < wanted;
    return value === wanted;
  }
  if (value === null || value === undefined) return false;
  return String(value).toLowerCase().includes(word.value.toLowerCase());
}

/** `1000`, `1,000`, `1k`, `2.5MiB`; null is no number. */
export function numberOf(text: string): number | null {
  const [, digits, unit] = /^([\d.,]+)([a-z]*)$/i.exec(text) ?? [];
  if (digits === undefined) return null;
  const factor = unit ? UNITS[unit.toLowerCase()] : 1;
  const value = Number(digits.replaceAll(",", ""));
  return factor === undefined || Number.isNaN(value) ? null : value * factor;
}

/** `7d`, `90s`, `250ms`, in milliseconds; a bare number is seconds; null is no span. */
export function spanOf(text: string): number | null {
  const [, digits, unit] = /^([\d.]+)(ms|s|m|h|d)?$/.exec(text) ?? [];
  if (digits === undefined) return null;
  return Number(digits) * (SPANS_MS[unit ?? "s"] ?? 1e3);
}
