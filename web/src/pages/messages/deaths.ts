import type { Message } from "../../api/types";
import { headersOf } from "./body";

/** How a message died once, from its `x-death` header. */
export interface Death {
  reason: string;
  queue: string;
  exchange: string;
  keys: readonly string[];
  count: number;
  /** Milliseconds since 1970; 0 is not told. */
  at: number;
}

/** The deaths of a message, the first one first. */
export function deathsOf(message: Message): Death[] {
  const told = headersOf(message)["x-death"];
  if (!Array.isArray(told)) return [];
  return told
    .filter((entry): entry is Record<string, unknown> => typeof entry === "object" && entry !== null)
    .map((entry) => ({
      reason: String(entry.reason ?? "died"),
      queue: String(entry.queue ?? ""),
      exchange: String(entry.exchange ?? ""),
      keys: Array.isArray(entry["routing-keys"]) ? entry["routing-keys"].map(String) : [],
      count: typeof entry.count === "number" ? entry.count : 1,
      at: typeof entry.time === "number" ? entry.time * 1000 : 0,
    }))
    .reverse();
}
