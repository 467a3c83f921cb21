import type { MessageFilter } from "../../api/types";
import { parseTest } from "./jsonpath/parse";
import type { Test } from "./jsonpath/path";

/** Which messages are looked for: by the broker, and of these by the browser. */
export interface Wanted {
  /** Undefined is every message. */
  filter?: MessageFilter;
  /** What has to hold for the body, which is JSON. */
  test?: Test;
  /** What is wrong with the JSONPath; empty is nothing. */
  fault: string;
}

/** Where a JSONPath begins: it is the rest of what was typed. */
const PATH = /(?:^|\s)(!?\(*[$][.[].*)$/s;

/**
 * Read what was typed: `key:order.paid exchange:orders header:x-tenant=kestrel /pattern/ words $.total > 100`.
 * Words without a name are looked for in the body.
 */
export function wantedOf(typed: string): Wanted {
  const path = PATH.exec(typed)?.[1];
  const filter = messageFilterOf(path === undefined ? typed : typed.slice(0, typed.length - path.length));
  const wanted: Wanted = { ...(filter === undefined ? {} : { filter }), fault: "" };
  if (path === undefined) return wanted;
  try {
    return { ...wanted, test: parseTest(path) };
  } catch (error) {
    return { ...wanted, fault: (error as Error).message };
  }
}

/** The part that the broker searches by; undefined is no filter. */
export function messageFilterOf(typed: string): MessageFilter | undefined {
  const filter: MessageFilter = {};
  const words: string[] = [];
  for (const word of typed.trim().split(/\s+/)) {
    const [, name, value] = /^(key|exchange|header):(.+)$/.exec(word) ?? [];
    const pattern = /^\/(.+)\/$/.exec(word)?.[1];
    if (name === "key") filter.routing_key = value as string;
    else if (name === "exchange") filter.exchange = value as string;
    else if (name === "header" && value !== undefined && value.includes("=")) {
      const at = value.indexOf("=");
      filter.headers = { ...filter.headers, [value.slice(0, at)]: value.slice(at + 1) };
    } else if (pattern !== undefined) filter.regexp = pattern;
    else if (word !== "") words.push(word);
  }
  if (words.length > 0) filter.text = words.join(" ");
  return Object.keys(filter).length === 0 ? undefined : filter;
}
