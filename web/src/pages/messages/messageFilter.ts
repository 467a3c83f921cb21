import type { MessageFilter } from "../../api/types";

/** Where a JSONPath begins: it is the rest of what was typed. */
const PATH = /(?:^|\s)(!?\(*[$][.[].*)$/s;

/**
 * Read what was typed: `key:order.paid exchange:orders header:x-tenant=kestrel /pattern/ words $.total > 100`.
 * Words without a name are looked for in the body. The broker searches; undefined is no filter.
 */
export function messageFilterOf(typed: string): MessageFilter | undefined {
  const path = PATH.exec(typed)?.[1];
  if (path === undefined) return wordsOf(typed);
  return { ...wordsOf(typed.slice(0, typed.length - path.length)), jsonpath: path.trim() };
}

/** All but the JSONPath; undefined is no filter. */
function wordsOf(typed: string): MessageFilter | undefined {
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
