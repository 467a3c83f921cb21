import { useEffect, useRef } from "preact/hooks";
import { request } from "../../api/http";
import { rateOf } from "../../api/counters";
import { lengthSeries, rateSeries } from "../../api/series";
import type { Node, Overview } from "../../api/types";
import { detailsOf, lengthSamples } from "../../api/counters";
import { Bones } from "../../components/Bones";
import { Chart } from "../../components/Chart";
import { Count, Figure } from "../../components/Figure";
import { Failed } from "../../components/Failed";
import { LiveMark } from "../../components/LiveMark";
import { PageHead } from "../../components/PageHead";
import { RangeSwitch } from "../../components/RangeSwitch";
import { Strip, Tile } from "../../components/Tile";
import { count } from "../../format/count";
import { rate } from "../../format/rate";
import { href, useAddress } from "../../route/router";
import { usePolled } from "../../state/polling";
import { range, type Range } from "../../state/range";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { AttentionPanel } from "./AttentionPanel";
import { FirstSteps } from "./FirstSteps";
import { HealthStrip } from "./HealthStrip";
import { NodesPanel } from "./NodesPanel";

/** What the broker does at this moment, and what needs a hand. */
export function OverviewPage() {
  const chosen = useStore(range);
  const rights = useRights();
  const { query } = useAddress();
  const attention = useRef<HTMLDivElement>(null);
  const told = usePolled(`overview ${chosen.id}`, (signal) =>
    request<Overview>("GET", ["overview"], { query: historyQuery(chosen), signal }),
  );
  const nodes = usePolled(rights.seesAll ? "nodes" : null, (signal) => request<Node[]>("GET", ["nodes"], { signal }));
  useEffect(() => {
    if (query.show === "attention") attention.current?.scrollIntoView();
  }, [query.show]);
  const overview = told.data;
  return (
    <>
      <PageHead
        title="Overview"
        of={overview?.cluster_name}
        acts={
          <>
            <LiveMark class="hide-s" />
            <RangeSwitch />
          </>
        }
      />
      {overview === undefined ? (
        told.error ? <Failed what="The overview" error={told.error} /> : <Bones />
      ) : (
        <div class="body">
          {nodes.data && <HealthStrip nodes={nodes.data} />}
          {isFirstStart(overview) ? <FirstSteps overview={overview} /> : <Charts overview={overview} />}
          <Objects overview={overview} />
          <div class="grid-a even" ref={attention}>
            <AttentionPanel />
            {nodes.data && <NodesPanel nodes={nodes.data} />}
          </div>
        </div>
      )}
    </>
  );
}

/** The ages and steps that RabbitMQ's API takes for histories. */
export function historyQuery(chosen: Range): Record<string, number> {
  const { ageS, stepS } = chosen;
  return {
    lengths_age: ageS,
    lengths_incr: stepS,
    msg_rates_age: ageS,
    msg_rates_incr: stepS,
  };
}

function isFirstStart(overview: Overview): boolean {
  const objects = overview.object_totals;
  return objects !== undefined && objects.queues === 0 && objects.connections === 0;
}

function Charts({ overview }: { overview: Overview }) {
  const stats = overview.message_stats;
  const rates = rateSeries([detailsOf(stats, "publish"), detailsOf(stats, "deliver_get"), detailsOf(stats, "ack")]);
  const totals = overview.queue_totals;
  const lengths = lengthSeries([lengthSamples(totals, "messages_ready"), lengthSamples(totals, "messages_unacknowledged")]);
  return (
    <div class="grid2">
      <Chart
        title="Throughput"
        times={rates.times}
        format={rate}
        parts={[
          {
            height: 152,
            lines: [
              { title: "Published", measure: "publish", values: rates.lines[0] ?? [] },
              { title: "Delivered", measure: "deliver", values: rates.lines[1] ?? [] },
              { title: "Acknowledged", measure: "ack", values: rates.lines[2] ?? [] },
            ],
          },
        ]}
      />
      <Chart
        title="Backlog"
        times={lengths.times}
        format={count}
        parts={[
          { height: 92, isWhole: true, lines: [{ title: "Ready", measure: "ready", values: lengths.lines[0] ?? [] }] },
          { height: 46, isWhole: true, lines: [{ title: "Unacked", measure: "unacked", values: lengths.lines[1] ?? [] }] },
        ]}
      />
    </div>
  );
}

function Objects({ overview }: { overview: Overview }) {
  const objects = overview.object_totals;
  const stats = overview.message_stats;
  const churn = overview.churn_rates;
  const unroutable = (rateOf(stats, "drop_unroutable") ?? 0) + (rateOf(stats, "return_unroutable") ?? 0);
  const each = (of: number | undefined, by: number | undefined): string =>
    of === undefined || !by ? "" : `${(of / by).toFixed(1)} a connection`;
  const opened = rateOf(churn, "connection_created");
  return (
    <Strip label="Objects">
      <Tile stat title="Connections" href={href(["connections"])} value={<Count value={objects?.connections} />} note={opened === undefined ? "" : <><Figure parts={rate(opened)} /> opened</>} />
      <Tile stat title="Channels" href={href(["channels"])} value={<Count value={objects?.channels} />} note={each(objects?.channels, objects?.connections)} />
      <Tile stat title="Consumers" href={href(["consumers"])} value={<Count value={objects?.consumers} />} note={each(objects?.consumers, objects?.connections)} />
      <Tile stat title="Queues" href={href(["queues"])} value={<Count value={objects?.queues} />} note={<><Count value={overview.queue_totals?.messages} /> messages</>} />
      <Tile stat title="Exchanges" href={href(["exchanges"])} value={<Count value={objects?.exchanges} />} note={`${overview.exchange_types.length} types`} />
      <Tile
        stat
        title="Unroutable"
        href={href(["exchanges"])}
        look={unroutable > 0 ? "warn" : undefined}
        value={<Figure parts={rate(unroutable)} />}
        note="returned or dropped"
      />
    </Strip>
  );
}
