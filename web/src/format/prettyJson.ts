const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const OPENS = new Set(["{", "["]);
const CLOSES = new Set(["}", "]"]);

/** A body may be nested as deep as it is long: from here on it is no further to the right. */
const INDENT_DEPTH_MAX = 40;

/**
 * JSON with two spaces; undefined is not JSON. It is made from the text itself, so that long numbers keep
 * their digits and names that come twice stay.
 */
export function prettyJson(text: string): string | undefined {
  if (!/^\s*[[{"\dtfn-]/.test(text)) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const parts: string[] = [];
  let depth = 0;
  let before = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (CLOSES.has(token)) depth -= 1;
    const isEmpty = CLOSES.has(token) && OPENS.has(before);
    if (!isEmpty && (CLOSES.has(token) || OPENS.has(before) || before === ",")) parts.push(lineBreak(depth));
    parts.push(token.startsWith('"') ? readable(token) : token);
    if (token === ":") parts.push(" ");
    if (OPENS.has(token)) depth += 1;
    before = token;
  }
  return parts.join("");
}

function lineBreak(depth: number): string {
  return `\n${"  ".repeat(Math.min(depth, INDENT_DEPTH_MAX))}`;
}

/** A text as JSON writes it: letters in place of escapes where they can be read. */
function readable(quoted: string): string {
  return quoted.includes("\\") ? JSON.stringify(JSON.parse(quoted)) : quoted;
}
