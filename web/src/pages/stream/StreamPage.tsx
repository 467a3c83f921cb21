import type { ApiError } from "../../api/http";
import type { Binding, Queue } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Button } from "../../components/Button";
import { LiveMark } from "../../components/LiveMark";
import { PageHead } from "../../components/PageHead";
import { StateMark } from "../../components/StateMark";
import type { Tab } from "../../components/Tabs";
import { href, setQuery, useAddress } from "../../route/router";
import { places } from "../../route/places";
import { useCapability } from "../../state/capabilities";
import { useClientNames } from "../../state/clientNames";
import { useRights } from "../../state/rights";
import { BindingsPanel } from "../bindings/BindingsPanel";
import { TailTab } from "../messages/TailTab";
import { PublishForm } from "../publish/PublishForm";
import { QueueSettings } from "../queue/QueueSettings";
import { stateOfQueue } from "../queues/queueColumns";
import { ReadersPanel } from "./ReadersPanel";
import { useReaders } from "./readers";
import { StreamLog } from "./StreamLog";

interface Props {
  queue: Queue;
  bindings: readonly Binding[] | undefined;
  bindingsError: ApiError | undefined;
}

/** One stream: its log, who reads it and how far, what fills it, and its end. */
export function StreamPage({ queue, bindings, bindingsError }: Props) {
  const { query } = useAddress();
  const rights = useRights();
  const readers = useReaders(queue, useClientNames());
  const { vhost, name } = queue;
  const canTail = useCapability("GET queues/{}/{}/tail");
  const tab = query.tab ?? "log";
  const entry = (id: string, title: string, more: Partial<Tab> = {}): Tab => ({
    title,
    href: places.stream(vhost, name, { tab: id === "log" ? undefined : id }),
    isCurrent: tab === id,
    ...more,
  });
  return (
    <>
      <PageHead
        title={name}
        crumbs={[{ title: "Streams", href: href(["streams"]) }, { title: vhost, href: href(["streams"], { filter: `vhost:${vhost}` }) }]}
        badges={<><Badge>stream</Badge>{queue.arguments["x-stream-filter-size-bytes"] !== undefined && <Badge look="line">filtered</Badge>}<StateMark state={stateOfQueue(queue)} /></>}
        acts={
          <>
            <LiveMark class="hide-s" />
            {!rights.isReadOnly && <Button class="hide-s" icon="send" onPress={() => setQuery({ tab: "publish" })}>Publish…</Button>}
          </>
        }
        tabs={[
          entry("log", "Log"),
          ...(canTail ? [entry("tail", "Live tail")] : []),
          entry("readers", "Readers", { n: readers.length }),
          entry("bindings", "Bindings", { n: bindings?.length }),
          ...(rights.isReadOnly ? [] : [entry("publish", "Publish"), entry("settings", "Settings", { isLast: true })]),
        ]}
      />
      {(tab === "log" || tab === "messages" || tab === "overview") && <StreamLog queue={queue} readers={readers} />}
      {tab === "tail" && <TailTab route={["queues", vhost, name, "tail"]} vhost={vhost} name={name} />}
      {(tab === "readers" || tab === "consumers") && <div class="body"><ReadersPanel readers={readers} /></div>}
      {tab === "bindings" && (
        <div class="body"><BindingsPanel bindings={bindings} error={bindingsError} vhost={vhost} side="source" of={{ name, kind: "queue" }} /></div>
      )}
      {tab === "publish" && <div class="body"><PublishForm vhost={vhost} exchange="" routingKey={name} isFixed /></div>}
      {tab === "settings" && <QueueSettings queue={queue} />}
    </>
  );
}
