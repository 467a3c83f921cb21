import { jsonLines } from "../../format/json";

const KIND_CLASS = { key: "jk", string: "js", number: "jn", literal: "jl", plain: "jp" } as const;

/** Text as lines with numbers. */
export function CodeLines({ label, text, wraps }: { label: string; text: string; wraps: boolean }) {
  return (
    <pre class="code" tabIndex={0} aria-label={`Body, ${label}`}>
      {text.split("\n").map((line, index) => <span key={index} class={wraps ? "l wrap" : "l"}>{line}</span>)}
    </pre>
  );
}

/** JSON as lines with numbers, its parts in colours. */
export function JsonLines({ label, text }: { label: string; text: string }) {
  return (
    <pre class="code" tabIndex={0} aria-label={`Body, ${label}`}>
      {jsonLines(text).map((line, index) => (
        <span key={index} class="l">
          {line.map((token, place) => <span key={place} class={KIND_CLASS[token.kind]}>{token.text}</span>)}
        </span>
      ))}
    </pre>
  );
}
