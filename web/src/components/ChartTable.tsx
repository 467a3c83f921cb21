import { moment } from "../format/moment";
import type { Parts } from "../format/parts";
import { Figure } from "./Figure";
import type { Line } from "./Plot";

interface Props {
  times: readonly number[];
  lines: readonly Line[];
  format: (value: number | null | undefined) => Parts;
}

/** The samples of a chart as a table, newest first. */
export function ChartTable({ times, lines, format }: Props) {
  const order = times.map((_, index) => times.length - 1 - index);
  const now = Date.now();
  return (
    <div class="scroll chart-table" tabIndex={0} aria-label="Samples">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map((line) => <th key={line.title} class="num" scope="col">{line.title}</th>)}
          </tr>
        </thead>
        <tbody>
          {order.map((index) => (
            <tr key={times[index]}>
              <td>{moment((times[index] ?? 0) * 1000, now)}</td>
              {lines.map((line) => <td key={line.title} class="num"><Figure parts={format(line.values[index])} /></td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
