import { textOf, type Parts } from "../format/parts";
import { isMeasured, wholeCount, count, type Measured } from "../format/count";

interface Props {
  parts: Parts;
  /** The exact number, or why there is none. */
  title?: string | undefined;
}

/** A number with its units dimmed; zero and missing are dimmed whole. */
export function Figure({ parts, title }: Props) {
  const text = textOf(parts);
  if (text === "–") return <span class="dim" title={title ?? "not told by the broker"}>–</span>;
  const isZero = parts.length === 1 && parts[0]?.value === "0" && !parts[0].unit?.startsWith("/");
  return (
    <span class={isZero ? "zero" : undefined} title={title}>
      {parts.map((part, index) => (
        <>
          {index > 0 && " "}
          {part.value}
          {part.unit && <span class="u">{part.unit}</span>}
        </>
      ))}
    </span>
  );
}

/** A count with all of its digits in the tooltip where they are not shown. */
export function Count({ value, missing }: { value: Measured; missing?: string }) {
  const exact = isMeasured(value) && Math.abs(value) >= 10_000_000 ? wholeCount(value) : undefined;
  return <Figure parts={count(value)} title={exact ?? missing} />;
}
