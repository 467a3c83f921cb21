import { wholeCount } from "../../format/count";
import { jsonLines } from "../../format/json";

const KIND_CLASS = { key: "jk", string: "js", number: "jn", literal: "jl", plain: "jp" } as const;

/** Each line is an element, and a body may be made of line ends. */
const LINES_MAX = 3_000;

function More({ lines }: { lines: number }) {
  return lines > LINES_MAX ? <span class="dim l">… {wholeCount(lines - LINES_MAX)} lines more</span> : null;
}

/** Text as lines with numbers. */
export function CodeLines({ label, text, wraps }: { label: string; text: string; wraps: boolean }) {
  const lines = text.split("\n");
  return (
    <pre class="code" tabIndex={0} aria-label={`Body, ${label}`}>
      {lines.slice(0, LINES_MAX).map((line, index) => <span key={index} class={wraps ? "l wrap" : "l"}>{line}</span>)}
      <More lines={lines.length} />
    </pre>
  );
}

/** JSON as lines with numbers, its parts in colours. */
export function JsonLines({ label, text }: { label: string; text: string }) {
  const lines = text.split("\n");
  return (
    <pre class="code" tabIndex={0} aria-label={`Body, ${label}`}>
      {jsonLines(lines.slice(0, LINES_MAX).join("\n")).map((line, index) => (
        <span key={index} class="l">
          {line.map((token, place) => <span key={place} class={KIND_CLASS[token.kind]}>{token.text}</span>)}
        </span>
      ))}
      <More lines={lines.length} />
    </pre>
  );
}
