import { useState } from "preact/hooks";
import { Badge } from "../../components/Badge";
import { Field } from "../../components/Field";
import { Figure } from "../../components/Figure";
import { IconButton } from "../../components/IconButton";
import { wholeCount } from "../../format/count";
import { nameMatches } from "../../route/filter";
import { setQuery } from "../../route/router";
import { copyText } from "../../state/clipboard";
import { titleOf, type Metric, type Series } from "./exposition";
import { SeriesLine } from "./SeriesLine";
import type { Traces } from "./traces";
import { amount } from "./units";

interface Props {
  metric: Metric;
  traces: Traces;
  /** The key of the series whose line is drawn; undefined is the first. */
  chosen: string | undefined;
  onClose: () => void;
}

const SHOWN_MAX = 200;
const FILTER_FROM = 12;

/** One metric: what it says, each of its series, and a line of the chosen one. */
export function MetricPanel({ metric, traces, chosen, onClose }: Props) {
  const [find, setFind] = useState("");
  const found = metric.series.filter((series) => find === "" || nameMatches(titleOf(series), find));
  const drawn = metric.series.find((series) => series.key === chosen) ?? firstOf(found) ?? firstOf(metric.series);
  return (
    <section class="sidepanel" aria-label="Metric">
      <header>
        <h2 class="cut mono" title={metric.name}>{metric.name}</h2>
        <Badge>{metric.type}</Badge>
        <span class="push" />
        <IconButton icon="copy" small label="Copy the name" onPress={() => void copyText(metric.name, "the name")} />
        <IconButton icon="x" small label="Close (Esc)" onPress={onClose} />
      </header>
      <div class="in">
        <p class="sub">{metric.help || "No help is told."}</p>
        {drawn === undefined ? <p class="sub">It has no series now: there is nothing of its kind.</p> : <SeriesLine key={drawn.key} metric={metric} series={drawn} trace={traces.get(drawn.key)} />}
        {metric.series.length > 1 && (
          <div class="stack s">
            <h3>{wholeCount(metric.series.length)} series</h3>
            {metric.series.length >= FILTER_FROM && <Field label="Labels that hold" isMono value={find} onInput={setFind} placeholder="orders" />}
            <ul class="series-list">
              {found.slice(0, SHOWN_MAX).map((series) => (
                <li key={series.key}>
                  <button type="button" aria-pressed={series === drawn} title={titleOf(series)} onClick={() => setQuery({ series: series.key })}>
                    <span class="cut mono">{titleOf(series)}</span>
                    <Figure parts={amount(metric.name + series.suffix, series.value)} title={String(series.value)} />
                  </button>
                </li>
              ))}
            </ul>
            {found.length > SHOWN_MAX && <p class="sub">{wholeCount(found.length - SHOWN_MAX)} more: the field above finds them.</p>}
            {found.length === 0 && <p class="sub">No label holds that.</p>}
          </div>
        )}
      </div>
    </section>
  );
}

/** What is drawn where none was chosen: how many a histogram counted, else the first. */
function firstOf(series: readonly Series[]): Series | undefined {
  return series.find((one) => one.suffix === "_count") ?? series[0];
}
