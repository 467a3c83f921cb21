/** A place in this program: what stands behind the `#` of the browser's address. */
export interface Address {
  /** Decoded; empty for the overview. */
  segments: readonly string[];
  query: Readonly<Record<string, string>>;
}

/** Read `#/queues/%2F/orders?tab=messages`, as RabbitMQ's own permalinks are written too. */
export function parseAddress(hash: string): Address {
  const text = hash.replace(/^#?\/?/, "");
  const [path = "", search = ""] = splitOnce(text, "?");
  const segments = path.split("/").filter((segment) => segment !== "").map(decoded);
  return { segments, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** Write an address; entries of the query that are empty are left out. */
export function formatAddress(segments: readonly string[], query: Record<string, string | undefined> = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") search.set(key, value);
  }
  const tail = search.toString();
  return `#/${segments.map(encodeURIComponent).join("/")}${tail === "" ? "" : `?${tail}`}`;
}

function splitOnce(text: string, mark: string): string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
