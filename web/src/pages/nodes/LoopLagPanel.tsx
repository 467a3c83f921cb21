import { useState } from "preact/hooks";
import { request } from "../../api/http";
import { Bones } from "../../components/Bones";
import { Empty } from "../../components/Empty";
import { Failed } from "../../components/Failed";
import { IconButton } from "../../components/IconButton";
import { Panel } from "../../components/Panel";
import { Segmented } from "../../components/Segmented";
import { age } from "../../format/age";
import { wholeCount } from "../../format/count";
import { many } from "../../format/many";
import { textOf } from "../../format/parts";
import { setQuery, useAddress } from "../../route/router";
import { useCapability } from "../../state/capabilities";
import { usePolled } from "../../state/polling";
import { LagBars } from "./LagBars";
import { LagTable } from "./LagTable";
import { lagText, type LoopLag } from "./loopLag";

const SPANS = [
  { id: "60", title: "1 m" },
  { id: "600", title: "10 m" },
  { id: "3600", title: "1 h" },
  { id: "all", title: "Since the start" },
] as const;
const USUAL = "600";

/** How late the event loop of a node is: the time that whatever comes waits before it is looked at. */
export function LoopLagPanel({ node }: { node: string }) {
  const isTold = useCapability("GET nodes/{}/loop-lag");
  const { query } = useAddress();
  const [asTable, setAsTable] = useState(false);
  const span = SPANS.find((one) => one.id === query.lag)?.id ?? USUAL;
  const told = usePolled(isTold ? `nodes/${encodeURIComponent(node)}/loop-lag ${span}` : null, (signal) =>
    request<LoopLag>("GET", ["nodes", node, "loop-lag"], { query: span === "all" ? {} : { age: span }, signal }),
  );
  if (!isTold) return null;
  const lag = told.data;
  return (
    <Panel
      title="Event-loop lag"
      note={lag && `${many(lag.probes, "probe")} in ${textOf(age(lag.span_ms))}`}
      bare
      class="lag-panel"
      acts={
        <>
          <Segmented label="Span" chosen={span} onChoose={(id) => setQuery({ lag: id === USUAL ? undefined : id })} choices={SPANS} />
          <IconButton icon={asTable ? "metrics" : "columns"} label={asTable ? "Show as chart" : "Show as table"} small onPress={() => setAsTable(!asTable)} />
        </>
      }
      foot="A probe is due each 100 ms. What comes to the node waits as long as a probe does: for the turn under way."
    >
      {lag === undefined ? (
        told.error ? <Failed what="The lag of the loop" error={told.error} /> : <Bones rows={3} />
      ) : lag.probes === 0 ? (
        <Empty icon="clock" title="No probe has run yet">The first one is due 100 ms after the start.</Empty>
      ) : (
        <>
          <ul class="readout">
            <Told title="half are within" ms={lag.p50_ms} />
            <Told title="99 of 100 within" ms={lag.p99_ms} />
            <Told title="longest" ms={lag.max_ms} isLong={lag.max_ms > 100} />
            <Told title="mean" ms={lag.mean_ms} />
          </ul>
          {asTable ? <LagTable lag={lag} /> : <LagBars lag={lag} />}
        </>
      )}
    </Panel>
  );
}

function Told({ title, ms, isLong }: { title: string; ms: number; isLong?: boolean }) {
  const [value, unit] = lagText(ms).split(/ (?=m?s$)/);
  return (
    <li>
      <span class="k">{title}</span>
      <span class={isLong ? "v warn" : "v"} title={`${wholeCount(Math.round(ms * 1000))} us`}>{value}<span class="u"> {unit}</span></span>
    </li>
  );
}
