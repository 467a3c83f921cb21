import { useState } from "preact/hooks";
import { deleteExchange } from "../../api/acts";
import { detailsOf, rateOf } from "../../api/counters";
import { request } from "../../api/http";
import { rateSeries } from "../../api/series";
import type { Binding, Exchange } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Bones } from "../../components/Bones";
import { Button } from "../../components/Button";
import { Chart } from "../../components/Chart";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Failed } from "../../components/Failed";
import { Figure } from "../../components/Figure";
import { PageHead } from "../../components/PageHead";
import { RangeSwitch } from "../../components/RangeSwitch";
import { Strip, Tile } from "../../components/Tile";
import { wholeCount } from "../../format/count";
import { many } from "../../format/many";
import { exchangeTitle } from "../../format/names";
import { rate } from "../../format/rate";
import { places } from "../../route/places";
import { go, href, useAddress } from "../../route/router";
import { askAgain, usePolled } from "../../state/polling";
import { range } from "../../state/range";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { say } from "../../state/toasts";
import { BindingsPanel } from "../bindings/BindingsPanel";
import { historyQuery } from "../overview/OverviewPage";
import { PublishForm } from "../publish/PublishForm";

interface Props {
  vhost: string;
  /** Empty is the default exchange. */
  name: string;
}

/** One exchange: what goes through it, and where to. */
export function ExchangePage({ vhost, name }: Props) {
  const { query } = useAddress();
  const rights = useRights();
  const chosen = useStore(range);
  const [isDelete, setDelete] = useState(false);
  const tab = query.tab ?? "overview";
  const path = ["exchanges", vhost, name === "" ? "amq.default" : name];
  const key = path.map(encodeURIComponent).join("/");
  const told = usePolled(`${key} ${chosen.id}`, (signal) => request<Exchange>("GET", path, { query: historyQuery(chosen), signal }));
  const out = usePolled(`${key}/bindings/source`, (signal) => request<Binding[]>("GET", [...path, "bindings", "source"], { signal }));
  const into = usePolled(`${key}/bindings/destination`, (signal) => request<Binding[]>("GET", [...path, "bindings", "destination"], { signal }));
  const exchange = told.data;
  const isOurs = name !== "" && !name.startsWith("amq.");
  const place = (word: string): string => places.exchange(vhost, name, { tab: word === "overview" ? undefined : word });
  return (
    <>
      <PageHead
        title={exchangeTitle(name)}
        crumbs={[{ title: "Exchanges", href: href(["exchanges"]) }, { title: vhost, href: href(["exchanges"], { filter: `vhost:${vhost}` }) }]}
        badges={exchange && <ExchangeBadges exchange={exchange} />}
        acts={
          <>
            {isOurs && !rights.isReadOnly && <Button class="hide-s" look="outline-bad" icon="trash" onPress={() => setDelete(true)}>Delete…</Button>}
            <RangeSwitch />
          </>
        }
        tabs={[
          { title: "Overview", href: place("overview"), isCurrent: tab === "overview" },
          { title: "Bindings", href: place("bindings"), isCurrent: tab === "bindings", n: out.data?.length },
          ...(rights.isReadOnly || exchange?.internal ? [] : [{ title: "Publish", href: place("publish"), isCurrent: tab === "publish" }]),
        ]}
      />
      {exchange === undefined ? (
        told.error ? <Failed what={`Exchange ${exchangeTitle(name)}`} error={told.error} /> : <Bones />
      ) : (
        <div class="body">
          {tab === "overview" && <ExchangeOverview exchange={exchange} out={out.data ?? []} into={into.data ?? []} />}
          {tab !== "publish" && (
            <div class="grid2">
              <BindingsPanel title="Goes to" bindings={out.data} error={out.error} vhost={vhost} side="destination" of={{ name, kind: "exchange" }} />
              <BindingsPanel title="Comes from" bindings={into.data} error={into.error} vhost={vhost} side="source" of={{ name, kind: "exchange" }} />
            </div>
          )}
          {tab === "publish" && <PublishForm vhost={vhost} exchange={name} />}
        </div>
      )}
      {isDelete && (
        <ConfirmDialog
          title={`Delete ${name}`}
          losses={[
            { amount: wholeCount(out.data?.length ?? 0), what: "bindings from it: what is published to it has no way any more" },
            { amount: wholeCount(into.data?.length ?? 0), what: "bindings to it" },
          ]}
          typed={name}
          act="Delete exchange"
          keep="Keep exchange"
          onClose={() => setDelete(false)}
          onConfirm={async () => {
            await deleteExchange(vhost, name);
            askAgain();
            say(`Deleted ${name}`);
            go(["exchanges"]);
          }}
        />
      )}
    </>
  );
}

function ExchangeBadges({ exchange }: { exchange: Exchange }) {
  return (
    <>
      <Badge>{exchange.type}</Badge>
      <Badge>{exchange.durable ? "durable" : "transient"}</Badge>
      {exchange.auto_delete && <Badge look="line">auto-delete</Badge>}
      {exchange.internal && <Badge look="line">internal</Badge>}
    </>
  );
}

function ExchangeOverview({ exchange, out, into }: { exchange: Exchange; out: readonly Binding[]; into: readonly Binding[] }) {
  const stats = exchange.message_stats;
  const rates = rateSeries([detailsOf(stats, "publish_in"), detailsOf(stats, "publish_out")]);
  const alternate = exchange.arguments["alternate-exchange"];
  const queues = out.filter((binding) => binding.destination_type === "queue").length;
  return (
    <>
      <Strip label="Now">
        <Tile stat title="In" value={<Figure parts={rate(rateOf(stats, "publish_in") ?? 0)} />} note={`from clients and ${many(into.length, "exchange")}`} />
        <Tile stat title="Out" value={<Figure parts={rate(rateOf(stats, "publish_out") ?? 0)} />} note="to queues" />
        <Tile stat title="Bindings" value={wholeCount(out.length)} note={`${wholeCount(queues)} to queues`} />
        <Tile stat title="What nobody takes" value={alternate === undefined ? "is dropped" : String(alternate)} note={alternate === undefined ? "or returned, if mandatory" : "alternate exchange"} />
        <Tile stat title="Policy" value={exchange.policy ?? "–"} note={exchange.user_who_performed_action ? `declared by ${exchange.user_who_performed_action}` : ""} />
      </Strip>
      <Chart
        title="Rates"
        times={rates.times}
        format={rate}
        compact
        parts={[
          {
            height: 152,
            lines: [
              { title: "In", measure: "publish", values: rates.lines[0] ?? [] },
              { title: "Out", measure: "deliver", values: rates.lines[1] ?? [] },
            ],
          },
        ]}
      />
    </>
  );
}
