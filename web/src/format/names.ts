/** Cut a long name in the middle, so that both of its ends can be read: `stock.sync…east`. */
export function cutMiddle(name: string, lengthMax: number): string {
  const letters = [...name];
  if (letters.length <= lengthMax) return name;
  const kept = lengthMax - 1;
  const front = Math.ceil(kept / 2);
  return `${letters.slice(0, front).join("")}…${letters.slice(letters.length - (kept - front)).join("")}`;
}

/** The two letters of a user's avatar: `mira.koski` is MK, `guest` is GU. */
export function initials(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
  const letters = words.length > 1 ? `${words[0]?.[0] ?? ""}${words[1]?.[0] ?? ""}` : (words[0] ?? "?").slice(0, 2);
  return letters.toUpperCase();
}

/** What the default exchange, whose name is empty, is called. */
export function exchangeTitle(name: string): string {
  return name === "" ? "(default)" : name;
}
