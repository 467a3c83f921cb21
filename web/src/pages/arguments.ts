import type { Table } from "../api/types";

/**
 * Read arguments, one in a line. A value that is JSON is taken as such; any other is text.
 *
 * @throws Error A line without `=`.
 */
export function parseArguments(text: string): Table {
  const table: Table = {};
  for (const line of text.split("\n").filter((part) => part.trim() !== "")) {
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`Expected "name = value": ${line.trim()}`);
    table[line.slice(0, at).trim()] = valueOf(line.slice(at + 1).trim());
  }
  return table;
}

/** The same back as text. */
export function formatArguments(table: Table): string {
  return Object.entries(table).map(([name, value]) => `${name} = ${typeof value === "string" ? quotedIfNeeded(value) : JSON.stringify(value)}`).join("\n");
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** A text that would be read as a number, or as another JSON value, keeps its quotes. */
function quotedIfNeeded(text: string): string {
  return valueOf(text) === text && text.trim() === text ? text : JSON.stringify(text);
}
