const PIECE = /<!--[^]*?-->|<!\[CDATA\[[^]*?\]\]>|<(?:"[^"]*"|'[^']*'|[^'"<>])*>|[^<]+/y;
const INDENT_DEPTH_MAX = 40;

/**
 * XML with each element on a line of its own; undefined is not XML. Nothing of it is run or fetched: it
 * stays text.
 */
export function prettyXml(text: string): string | undefined {
  if (!/^\s*<[?!\p{L}_]/u.test(text)) return undefined;
  const pieces = piecesOf(text.trim());
  if (pieces === undefined) return undefined;
  const lines: string[] = [];
  let depth = 0;
  for (let at = 0; at < pieces.length; at += 1) {
    const piece = pieces[at] as string;
    if (piece.startsWith("</")) depth -= 1;
    if (depth < 0) return undefined;
    const [inside, end] = [pieces[at + 1], pieces[at + 2]];
    const isLeaf = opens(piece) && inside !== undefined && !inside.startsWith("<") && end !== undefined && end.startsWith("</");
    lines.push("  ".repeat(Math.min(depth, INDENT_DEPTH_MAX)) + (isLeaf ? piece + inside + end : piece));
    if (isLeaf) at += 2;
    else if (opens(piece)) depth += 1;
  }
  return depth === 0 ? lines.join("\n") : undefined;
}

function opens(piece: string): boolean {
  return /^<[\p{L}_]/u.test(piece) && !piece.endsWith("/>");
}

/** Tags, comments, and the texts between them; undefined where one has no end. */
function piecesOf(text: string): string[] | undefined {
  const pieces: string[] = [];
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < text.length) {
    const piece = PIECE.exec(text)?.[0];
    if (piece === undefined) return undefined;
    if (piece.trim() !== "") pieces.push(piece.startsWith("<") ? piece : piece.trim());
  }
  return pieces;
}
