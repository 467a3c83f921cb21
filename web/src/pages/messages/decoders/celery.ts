import type { Message, Table } from "../../../api/types";
import { headersOf } from "../body";

/** A task of Celery, in words. */
export type Task = readonly { name: string; value: string }[];

const HEADERS = [
  ["id", "id"],
  ["argsrepr", "arguments"],
  ["kwargsrepr", "named arguments"],
  ["eta", "not before"],
  ["expires", "expires"],
  ["retries", "retries"],
  ["parent_id", "called by"],
  ["root_id", "first of the chain"],
  ["group", "group"],
  ["origin", "sent by"],
] as const;

const BODY = [
  ["id", "id"],
  ["args", "arguments"],
  ["kwargs", "named arguments"],
  ["eta", "not before"],
  ["expires", "expires"],
  ["retries", "retries"],
] as const;

/** The task that a message is: by its headers (protocol 2), or by its body (protocol 1); undefined is none. */
export function taskOf(message: Message): Task | undefined {
  const headers = headersOf(message);
  if (typeof headers.task === "string" && "lang" in headers) return [{ name: "task", value: headers.task }, ...named(headers, HEADERS)];
  if (message.payload_encoding !== "string" || !message.payload.includes('"task"')) return undefined;
  try {
    const body = JSON.parse(message.payload) as Table | null;
    if (typeof body?.task !== "string" || typeof body.id !== "string" || !Array.isArray(body.args)) return undefined;
    return [{ name: "task", value: body.task }, ...named(body, BODY)];
  } catch {
    return undefined;
  }
}

function named(table: Table, names: readonly (readonly [string, string])[]): { name: string; value: string }[] {
  return names
    .filter(([key]) => table[key] !== undefined && table[key] !== null && table[key] !== "")
    .map(([key, name]) => ({ name, value: typeof table[key] === "string" ? table[key] : JSON.stringify(table[key]) }));
}
