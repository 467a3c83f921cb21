import { Count, Figure } from "../../components/Figure";
import { Sparkline } from "../../components/Sparkline";
import { textOf } from "../../format/parts";
import type { Column } from "../../list/column";
import { isCounter, valueOf, type Metric } from "./exposition";
import { growthNow, growthOf, type Traces } from "./traces";
import { amount, growth, measureOf } from "./units";

const LINE_POINTS = 120;
const LINE_SERIES_MAX = 100;

/** The columns of the list of metrics; growth and lines are of what was told while the page is open. */
export function metricColumns(traces: Traces): readonly Column<Metric>[] {
  const grown = (metric: Metric): number | undefined => (isCounter(metric) ? growthNow(traces, keysOf(metric)) : undefined);
  return [
    {
      id: "name", title: "Metric", label: "Metric", isFluid: true, value: (metric) => metric.name,
      cell: (metric) => <><span class="name mono">{metric.name}</span> <span class="dim">{metric.help}</span></>,
    },
    { id: "type", title: "Type", label: "Type", width: "p2", class: "sub", word: "type", value: (metric) => metric.type, cell: (metric) => metric.type },
    { id: "series", title: "Series", label: "Series", isNumber: true, width: "p2", word: "series", value: (metric) => metric.series.length, cell: (metric) => <Count value={metric.series.length} /> },
    {
      id: "value", title: "Value", label: "Value", isNumber: true, word: "value", value: valueOf,
      cell: (metric) => <Figure parts={amount(metric.name, valueOf(metric))} title={metric.series.length > 1 ? `together; ${metric.series.length} series` : exact(valueOf(metric))} />,
    },
    {
      id: "growth", title: "Grows", label: "Grows a second", isNumber: true, width: "p2", word: "growth", value: grown,
      cell: (metric) => <Figure parts={growth(metric.name, grown(metric))} title={isCounter(metric) ? "known after the second answer" : "a gauge goes up and down"} />,
    },
    {
      id: "line", title: "Since opened", label: "Since opened", width: "p3", isUnsortable: true, value: (metric) => textOf(amount(metric.name, valueOf(metric))),
      cell: (metric) => <Sparkline values={lineOf(metric, traces)} measure={measureOf(metric.name, isCounter(metric))} />,
    },
  ];
}

function exact(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function keysOf(metric: Metric): string[] {
  const isShaped = metric.type === "histogram" || metric.type === "summary";
  return metric.series.filter((series) => !isShaped || series.suffix === "_count").map((series) => series.key);
}

/** The line of a metric, of all of its series together; too many have theirs in the panel alone. */
function lineOf(metric: Metric, traces: Traces): number[] {
  const keys = keysOf(metric);
  const known = keys.length > LINE_SERIES_MAX ? [] : keys.flatMap((key) => traces.get(key) ?? []);
  const lines = known.map((trace) => (isCounter(metric) ? growthOf(trace).slice(1).map((value) => value ?? 0) : trace.values));
  const length = Math.min(LINE_POINTS, ...lines.map((line) => line.length));
  if (lines.length === 0) return [];
  const ends = lines.map((line) => line.slice(-length));
  return Array.from({ length }, (_, at) => ends.reduce((sum, line) => sum + (line[at] ?? 0), 0)).filter(Number.isFinite);
}
