import { wholeCount } from "./count";

/** A count with its noun: `1 message`, `2,000 messages`. */
export function many(count: number, noun: string): string {
  return `${wholeCount(count)} ${nounOf(count, noun)}`;
}

/** The noun alone, as it stands behind a count. */
export function nounOf(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`;
}

/** A count with a noun that is given as of many, as titles of lists are: `1 shovel`, `2 shovels`. */
export function counted(count: number, nouns: string): string {
  return many(count, nouns.replace(/s$/, ""));
}
