import type { Table } from "../../api/types";

/** What an import would do to one kind of definitions. */
export interface Difference {
  kind: string;
  added: readonly string[];
  changed: readonly string[];
  same: number;
}

/** The kinds, and the fields that name one. */
const KINDS: Record<string, readonly string[]> = {
  users: ["name"],
  vhosts: ["name"],
  permissions: ["vhost", "user"],
  topic_permissions: ["vhost", "user", "exchange"],
  parameters: ["vhost", "component", "name"],
  global_parameters: ["name"],
  policies: ["vhost", "name"],
  queues: ["vhost", "name"],
  exchanges: ["vhost", "name"],
  bindings: ["vhost", "source", "destination_type", "destination", "routing_key", "arguments"],
};

/** Compare a document of definitions with what is there. An import removes nothing. */
export function differencesOf(now: Table, document: Table): Difference[] {
  return Object.entries(KINDS).flatMap(([kind, fields]) => {
    const wanted = rowsOf(document, kind);
    if (wanted.length === 0) return [];
    const known = new Map(rowsOf(now, kind).map((row) => [nameOf(row, fields), row]));
    const added: string[] = [];
    const changed: string[] = [];
    let same = 0;
    for (const row of wanted) {
      const name = nameOf(row, fields);
      const there = known.get(name);
      if (there === undefined) added.push(name);
      else if (Object.keys(row).every((key) => plain(row[key]) === plain(there[key]))) same += 1;
      else changed.push(name);
    }
    return [{ kind, added, changed, same }];
  });
}

function rowsOf(document: Table, kind: string): Table[] {
  const rows = document[kind];
  return Array.isArray(rows) ? rows.filter((row): row is Table => typeof row === "object" && row !== null) : [];
}

function nameOf(row: Table, fields: readonly string[]): string {
  return fields.map((field) => (typeof row[field] === "string" ? row[field] : plain(row[field] ?? {}))).filter((word) => word !== "{}").join(" ");
}

/** The same text for the same value: the order of keys does not count, and an empty list is an empty table. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "{}" : `[${value.map(plain).join()}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, inner]) => `${key}:${plain(inner)}`).join()}}`;
  }
  return JSON.stringify(value) ?? "null";
}
