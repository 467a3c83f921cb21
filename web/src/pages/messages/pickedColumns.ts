import type { Message } from "../../api/types";
import { headersOf } from "./body";
import { valuesAt } from "./jsonpath/evaluate";
import { parsePath } from "./jsonpath/parse";

const COLUMNS_MAX = 6;

/** What the reader wants to see of each message, as the address has it: headers, and JSONPaths of the body. */
export function picksOf(text: string | undefined): string[] {
  const words = (text ?? "").split("\n").map((word) => word.trim()).filter((word) => word !== "");
  return [...new Set(words)].slice(0, COLUMNS_MAX);
}

/** The value of a pick in a message; undefined is not there. */
export function pickedOf(message: Message, pick: string): unknown {
  if (!pick.startsWith("$")) return Object.hasOwn(headersOf(message), pick) ? headersOf(message)[pick] : undefined;
  if (message.payload_encoding !== "string") return undefined;
  try {
    const values = valuesAt(parsePath(pick), JSON.parse(message.payload));
    return values.length > 1 ? values : values[0];
  } catch {
    // No path, no JSON, or too much of it: the cell stays empty, the panel of the message says why.
    return undefined;
  }
}
