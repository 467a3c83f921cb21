import { useMemo, useRef } from "preact/hooks";
import { clientOf } from "../../api/clients";
import { Bones } from "../../components/Bones";
import { Button } from "../../components/Button";
import { Checkbox } from "../../components/Checkbox";
import { Empty } from "../../components/Empty";
import { Failed } from "../../components/Failed";
import { Icon } from "../../components/Icon";
import { LiveMark } from "../../components/LiveMark";
import { PageHead } from "../../components/PageHead";
import { Segmented } from "../../components/Segmented";
import { wholeCount } from "../../format/count";
import { many } from "../../format/many";
import { setQuery, useAddress } from "../../route/router";
import { areKnown, useCapability } from "../../state/capabilities";
import { useClientNames } from "../../state/clientNames";
import { usePolled } from "../../state/polling";
import { useStore } from "../../state/store";
import { chosenVhost } from "../../state/vhost";
import { inRate } from "../queues/queueColumns";
import { readFacts, type NetFacts } from "./facts";
import { pictureOf, type Picture } from "./layout";
import { nearOf } from "./near";
import { NetPicture } from "./NetPicture";
import { NetTable } from "./NetTable";
import { PictureMenu } from "./PictureMenu";
import { RoutePanel } from "./RoutePanel";
import { routeOf, type Route } from "./routing";
import { askRoute, routeFrom } from "./serverRoute";

const EVERY_MS = 10_000;

/** One virtual host as a picture with live rates, and the way of a message that is not sent. */
export function TopologyPage() {
  const { query } = useAddress();
  const chosen = useStore(chosenVhost);
  const vhost = chosen === "" ? "/" : chosen;
  const isOneAnswer = useCapability("GET topology/{}");
  const isKnown = useStore(areKnown);
  const names = useClientNames();
  const told = usePolled(isKnown ? `topology ${isOneAnswer} ${vhost}` : null, (signal) => readFacts(vhost, isOneAnswer, signal), EVERY_MS);
  const facts = told.data;
  const near = query.near === "1" ? (query.find ?? "") : "";
  const picture = useMemo(() => {
    if (facts === undefined) return undefined;
    const draw = (shown: NetFacts): Picture => pictureOf({ ...shown, rateIn: (queue) => inRate(queue) ?? 0, clientOf: (consumer) => clientOf(consumer.channel_details, names), nameOf: (publisher) => names.get(publisher.connection) ?? publisher.user });
    const whole = draw(facts);
    return near === "" ? whole : draw(nearOf(facts, whole, near));
  }, [facts, names, near]);
  const frame = useRef<HTMLDivElement>(null);
  const route = useRoute(vhost, facts);
  const asTable = query.view === "table";
  return (
    <>
      <PageHead title="Topology" of={`virtual host ${vhost}`} acts={<LiveMark class="hide-s" />} />
      {facts === undefined || picture === undefined ? (
        told.error ? <Failed what="The topology" error={told.error} /> : <Bones />
      ) : (
        <div class="split narrow">
          <div class="col">
            <div class="tools">
              <label class="input filter w260">
                <Icon name="search" />
                <input aria-label="Find in the picture" placeholder="Find in the picture" value={query.find ?? ""} onInput={(event) => setQuery({ find: event.currentTarget.value })} />
              </label>
              {(query.find ?? "") !== "" && !asTable && (
                <label class="row hide-s nowrap"><Checkbox label="Only these and their neighbours" checked={near !== ""} onChange={(is) => setQuery({ near: is ? "1" : undefined })} /><span>Only these and their neighbours</span></label>
              )}
              <span class="hide-s">
                <Segmented label="Show as" chosen={asTable ? "table" : "picture"} onChoose={(view) => setQuery({ view: view === "table" ? view : undefined })} choices={[{ id: "picture", title: "Picture" }, { id: "table", title: "Table" }]} />
              </span>
              <span class="push" />
              {!asTable && picture.boxes.length > 0 && <PictureMenu frame={frame} name={`topology ${vhost.replaceAll("/", "_")}`} />}
              <span class="legend hide-s p3">
                <span class="row"><svg width="22" height="6" aria-hidden="true"><path class="lg1" d="M0 3h22" /></svg>width is rate</span>
                <span class="row"><svg width="22" height="6" aria-hidden="true"><path class="lg2" d="M0 3h22" /></svg>dead letter</span>
                <span class="row"><svg width="22" height="6" aria-hidden="true"><path class="lg3" d="M0 3h22" /></svg>alternate</span>
              </span>
            </div>
            {picture.boxes.length === 0 && near !== "" ? (
              <Empty icon="search" title="Nothing here is called so" act={<Button onPress={() => setQuery({ find: undefined, near: undefined })}>Show all</Button>} />
            ) : picture.boxes.length === 0 ? (
              <Empty icon="topology" title="Nothing is bound here">A picture comes with the first binding. The virtual host is chosen at the top.</Empty>
            ) : asTable ? (
              <NetTable bindings={facts.bindings} publishers={facts.publishers ?? []} names={names} vhost={vhost} found={query.find ?? ""} />
            ) : (
              <>
                <div class="graph hide-s" ref={frame} tabIndex={0} role="region" aria-label="Picture"><NetPicture picture={picture} vhost={vhost} lit={route?.lit ?? new Set()} found={query.find ?? ""} /></div>
                <div class="only-phone"><NetTable bindings={facts.bindings} publishers={facts.publishers ?? []} names={names} vhost={vhost} found={query.find ?? ""} /></div>
              </>
            )}
            <div class="status">
              <span>{facts.publishers && `${many(new Set(facts.publishers.map((one) => `${one.connection} ${one.channel}`)).size, "publisher")}, `}{many(facts.exchanges.length, "exchange")}, {many(facts.bindings.length, "binding")}, {many(facts.queues.length, "queue")}, {many(facts.consumers.length, "consumer")}</span>
              {picture.hidden + facts.leftOut > 0 && <span class="push hide-s">{wholeCount(picture.hidden + facts.leftOut)} are not drawn: nothing leads there, or others are busier</span>}
            </div>
          </div>
          <RoutePanel exchanges={facts.exchanges} route={route} />
        </div>
      )}
    </>
  );
}

/** The way of the message that is simulated: as the broker tells it, else as it is worked out here. */
function useRoute(vhost: string, facts: NetFacts | undefined): Route | null {
  const { query } = useAddress();
  const isTold = useCapability("POST exchanges/{}/{}/route");
  const probe = useMemo(() => ({ routingKey: query.key ?? "", headers: headersOf(query.headers) }), [query.key, query.headers]);
  const { exchange } = query;
  const key = exchange && isTold ? `route ${JSON.stringify([vhost, exchange, probe])}` : null;
  const told = usePolled(key, (signal) => askRoute(vhost, exchange ?? "", probe, signal), EVERY_MS);
  return useMemo(() => {
    if (facts === undefined || !exchange) return null;
    if (!isTold) return routeOf(exchange, probe, facts.exchanges, facts.bindings);
    return told.data === undefined ? null : routeFrom(told.data, probe, facts.exchanges);
  }, [facts, exchange, probe, isTold, told.data]);
}

function headersOf(text: string | undefined): Record<string, string> {
  const lines = (text ?? "").split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")).trim(), line.slice(line.indexOf("=") + 1).trim()]));
}
