import { useState } from "preact/hooks";
import type { Parts } from "../format/parts";
import { textOf } from "../format/parts";
import { moment } from "../format/moment";
import { now } from "../state/clock";
import { crosshair, range, zoom } from "../state/range";
import { useStore } from "../state/store";
import { nearestIndex } from "./axis";
import { ChartTable } from "./ChartTable";
import { IconButton } from "./IconButton";
import { Panel } from "./Panel";
import { Plot, type Line } from "./Plot";
import { Readout } from "./Readout";

/** Lines that share one y axis. What differs by tenfold gets a part of its own. */
export interface ChartPart {
  lines: readonly Line[];
  height: number;
  isWhole?: boolean;
  axisText?: (value: number) => string;
}

interface Props {
  title: string;
  times: readonly number[];
  parts: readonly ChartPart[];
  format: (value: number | null | undefined) => Parts;
  /** Smaller numbers in the readout. */
  compact?: boolean;
}

/** A chart: its legend is its readout, of now or of the moment under the crosshair. */
export function Chart({ title, times, parts, format, compact }: Props) {
  const [asTable, setAsTable] = useState(false);
  const at = useStore(crosshair);
  const chosen = useStore(range);
  const window = useStore(zoom);
  const clock = useStore(now);
  const newest = times.at(-1) ?? clock / 1000;
  const to = window?.to ?? newest;
  const from = window?.from ?? newest - chosen.ageS;
  const index = nearestIndex(times, at === null ? null : at / 1000);
  const lines = parts.flatMap((part) => part.lines);
  return (
    <Panel
      title={title}
      note={at === null ? undefined : `at ${moment(at, clock)}`}
      bare
      acts={
        <IconButton
          icon={asTable ? "metrics" : "columns"}
          label={asTable ? "Show as chart" : "Show as table"}
          small
          onPress={() => setAsTable(!asTable)}
        />
      }
    >
      <Readout lines={lines} index={index} format={format} compact={compact ?? false} />
      {asTable ? (
        <ChartTable times={times} lines={lines} format={format} />
      ) : (
        <div role="img" aria-label={summaryOf(title, lines, format)}>
          {parts.map((part, place) => (
            <Plot
              key={place}
              times={times}
              lines={part.lines}
              from={from}
              to={to}
              height={part.height}
              isWhole={part.isWhole ?? false}
              {...(part.axisText ? { axisText: part.axisText } : {})}
              noTimes={place < parts.length - 1}
            />
          ))}
        </div>
      )}
    </Panel>
  );
}

/** One sentence for those who do not see the lines. */
export function summaryOf(title: string, lines: readonly Line[], format: Props["format"]): string {
  const told = lines.map((line) => {
    const known = line.values.filter((value): value is number => value !== null);
    if (known.length === 0) return `${line.title} not known`;
    const least = textOf(format(Math.min(...known)));
    const most = textOf(format(Math.max(...known)));
    return `${line.title} now ${textOf(format(known.at(-1)))}, from ${least} to ${most}`;
  });
  return `${title}: ${told.join("; ")}.`;
}
