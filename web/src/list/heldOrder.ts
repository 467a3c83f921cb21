import { useRef } from "preact/hooks";

/**
 * Keys in the order of before, as long as the reader's pointer is among them: what is gone is left
 * out, what is new comes last. A new `sign` (another order or filter) lets go.
 */
export function useHeldOrder(keys: readonly string[], isHeld: boolean, sign: string): readonly string[] {
  const before = useRef<{ keys: readonly string[]; sign: string }>({ keys, sign });
  const order = isHeld && before.current.sign === sign ? merged(before.current.keys, keys) : keys;
  before.current = { keys: order, sign };
  return order;
}

export function merged(before: readonly string[], now: readonly string[]): string[] {
  const present = new Set(now);
  const kept = before.filter((key) => present.has(key));
  const known = new Set(kept);
  return [...kept, ...now.filter((key) => !known.has(key))];
}
