import type { Parts } from "../format/parts";
import { Figure } from "./Figure";
import type { Line } from "./Plot";

interface Props {
  lines: readonly Line[];
  /** The place in the lines whose values are told. */
  index: number;
  format: (value: number | null | undefined) => Parts;
  compact: boolean;
}

/** The legend of a chart is the number. */
export function Readout({ lines, index, format, compact }: Props) {
  return (
    <ul class={compact ? "readout s" : "readout"}>
      {lines.map((line) => (
        <li key={line.title}>
          <span class="k">
            <span class={`key c-${line.measure}${line.measure === "ack" ? " dash" : ""}`} />
            {line.title}
          </span>
          <span class="v"><Figure parts={format(line.values[index])} /></span>
        </li>
      ))}
    </ul>
  );
}
