/** A word of JSON with its kind, so that a viewer can colour it. */
export interface JsonToken {
  text: string;
  kind: "key" | "string" | "number" | "literal" | "plain";
}

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b|([^"\dtfn-]+|.)/gs;

/** Split pretty-printed JSON into lines of tokens. */
export function jsonLines(text: string): JsonToken[][] {
  return text.split("\n").map(lineTokens);
}

function lineTokens(line: string): JsonToken[] {
  const tokens: JsonToken[] = [];
  for (const match of line.matchAll(TOKEN)) {
    const [, quoted, colon, numeral, literal] = match;
    if (quoted !== undefined) {
      tokens.push({ text: quoted, kind: colon === undefined ? "string" : "key" });
      if (colon !== undefined) tokens.push({ text: colon, kind: "plain" });
    } else if (numeral !== undefined) tokens.push({ text: numeral, kind: "number" });
    else if (literal !== undefined) tokens.push({ text: literal, kind: "literal" });
    else tokens.push({ text: match[0], kind: "plain" });
  }
  return tokens;
}
