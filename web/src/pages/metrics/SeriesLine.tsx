import { useState } from "preact/hooks";
import { summaryOf } from "../../components/Chart";
import { ChartTable } from "../../components/ChartTable";
import { IconButton } from "../../components/IconButton";
import { Plot } from "../../components/Plot";
import { textOf } from "../../format/parts";
import { isCounter, titleOf, type Metric, type Series } from "./exposition";
import { growthOf, type Trace } from "./traces";
import { amount, growth, measureOf } from "./units";

interface Props {
  metric: Metric;
  series: Series;
  trace: Trace | undefined;
}

const LEAST_S = 60;

/** One series over the time that this page is open: a counter as how fast it grows. */
export function SeriesLine({ metric, series, trace }: Props) {
  const [asTable, setAsTable] = useState(false);
  const isGrowth = isCounter(metric);
  const name = metric.name + series.suffix;
  const format = (value: number | null | undefined) => (isGrowth ? growth(name, value) : amount(name, value));
  const times = trace?.times ?? [];
  const values = trace === undefined ? [] : isGrowth ? growthOf(trace) : trace.values.map((value) => (Number.isFinite(value) ? value : null));
  const line = { title: isGrowth ? "a second" : "value", measure: measureOf(name, isGrowth), values };
  const to = times.at(-1) ?? 0;
  const known = values.filter((value) => value !== null).length;
  return (
    <div class="stack s">
      <div class="row">
        <h3 class="cut" title={titleOf(series)}>{titleOf(series) || "its one series"}</h3>
        <span class="push" />
        <IconButton icon={asTable ? "metrics" : "columns"} label={asTable ? "Show as chart" : "Show as table"} small onPress={() => setAsTable(!asTable)} />
      </div>
      <p class="bigno" title={String(series.value)}>{textOf(amount(name, series.value))}</p>
      {known < 2 ? (
        <p class="sub">A line comes with the next answers, as long as this page is open.</p>
      ) : asTable ? (
        <ChartTable times={times} lines={[line]} format={format} />
      ) : (
        <div role="img" aria-label={summaryOf(metric.name, [line], format)}>
          <Plot times={times} lines={[line]} from={Math.min(times[0] ?? 0, to - LEAST_S)} to={to} height={92} axisText={(value) => textOf(format(value))} />
        </div>
      )}
    </div>
  );
}
