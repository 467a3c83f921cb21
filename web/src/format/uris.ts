/** Stands in the place of a password. */
export const HIDDEN = "•••";

const LOGIN = /^([a-z0-9+.-]+:\/\/[^:@/?#]*):[^/?#]*@/i;
const KEY_PASSWORD = /([?&]password=)[^&#]*/gi;
/** Scheme, login and host. */
const WHO_AND_WHERE = /^[a-z0-9+.-]+:\/\/[^/?#]*/i;

/** An address without its password: who looks over a shoulder learns none. */
export function withoutPassword(uri: string): string {
  return uri.replace(LOGIN, `$1:${HIDDEN}@`).replace(KEY_PASSWORD, `$1${HIDDEN}`);
}

/** Addresses as they are put, and what to say where the password of one is not known; else empty. */
export interface Restored {
  uris: string[];
  fault: string;
}

/**
 * Put passwords back that `withoutPassword` has hidden. An address may have changed behind its host; one of another
 * user or host gets no password, as it would be told to somebody else.
 *
 * @param written One address a line; empty lines are none.
 * @param saved The addresses as the broker has them.
 */
export function withPasswords(written: string, saved: readonly string[]): Restored {
  const lines = written.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const restored = lines.map((line, index) => (line.includes(HIDDEN) ? restoredUri(line, candidates(saved, index)) : line));
  const unknown = lines.filter((_, index) => restored[index] === undefined);
  return {
    uris: restored.filter((uri) => uri !== undefined),
    fault: unknown.length === 0 ? "" : `Type the password of ${unknown.join(", ")}: what is saved belongs to another user or host.`,
  };
}

/** Those at the same place first: two may look the same without their passwords. */
function candidates(saved: readonly string[], index: number): string[] {
  return [...saved.slice(index, index + 1), ...saved];
}

function restoredUri(line: string, saved: readonly string[]): string | undefined {
  const same = saved.find((uri) => withoutPassword(uri) === line);
  if (same !== undefined) return same;
  const [who = ""] = WHO_AND_WHERE.exec(line) ?? [];
  const rest = line.slice(who.length);
  const near = saved.find((uri) => WHO_AND_WHERE.exec(withoutPassword(uri))?.[0] === who);
  if (near === undefined || rest.includes(HIDDEN)) return undefined;
  return `${WHO_AND_WHERE.exec(near)?.[0] ?? ""}${rest}`;
}

/** A text of the broker that repeats addresses, with their passwords hidden. */
export function hidingPasswords(text: string, uris: readonly string[]): string {
  return uris.reduce((told, uri) => told.replaceAll(uri, withoutPassword(uri)), text);
}
