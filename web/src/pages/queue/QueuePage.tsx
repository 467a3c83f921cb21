import { useState } from "preact/hooks";
import { request } from "../../api/http";
import type { Binding, Queue } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Bones } from "../../components/Bones";
import { Button } from "../../components/Button";
import { Failed } from "../../components/Failed";
import { PageHead } from "../../components/PageHead";
import { RangeSwitch } from "../../components/RangeSwitch";
import { StateMark } from "../../components/StateMark";
import type { Tab } from "../../components/Tabs";
import { href, setQuery, useAddress } from "../../route/router";
import { places } from "../../route/places";
import { useCapability } from "../../state/capabilities";
import { usePolled } from "../../state/polling";
import { range } from "../../state/range";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { BindingsPanel } from "../bindings/BindingsPanel";
import { MoveDialog } from "../jobs/MoveDialog";
import { MessagesTab } from "../messages/MessagesTab";
import { historyQuery } from "../overview/OverviewPage";
import { TailTab } from "../messages/TailTab";
import { PublishForm } from "../publish/PublishForm";
import { DeleteQueuesDialog } from "../queues/DeleteQueuesDialog";
import { stateOfQueue } from "../queues/queueColumns";
import { StreamPage } from "../stream/StreamPage";
import { pauseQueues } from "./pausing";
import { ConsumersPanel } from "./ConsumersPanel";
import { QueueOverview } from "./QueueOverview";
import { QueueSettings } from "./QueueSettings";
import { QueueVerdict } from "./QueueVerdict";

interface Props {
  vhost: string;
  name: string;
}

/** One queue: what it does, its messages, who consumes, what fills it, and its end. */
export function QueuePage({ vhost, name }: Props) {
  const { query } = useAddress();
  const rights = useRights();
  const chosen = useStore(range);
  const [isPurge, setPurge] = useState(false);
  const [isMove, setMove] = useState(false);
  const canMove = useCapability("POST queues/{}/{}/move");
  const canPause = useCapability("PUT queues/{}/{}/pause");
  const tab = query.tab ?? "overview";
  const path = ["queues", vhost, name];
  const told = usePolled(`queues/${encodeURIComponent(vhost)}/${encodeURIComponent(name)} ${chosen.id}`, (signal) =>
    request<Queue>("GET", path, { query: historyQuery(chosen), signal }),
  );
  const bindings = usePolled(`queues/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}/bindings`, (signal) =>
    request<Binding[]>("GET", [...path, "bindings"], { signal }),
  );
  const queue = told.data;
  const isPaused = queue?.state === "paused";
  const canTail = useCapability("GET queues/{}/{}/tail");
  const place = (word: string): string => places.queue(vhost, name, { tab: word === "overview" ? undefined : word });
  const entry = (id: string, title: string, more: Partial<Tab> = {}): Tab => ({ title, href: place(id), isCurrent: tab === id, ...more });
  const tabs: Tab[] = [
    entry("overview", "Overview"),
    entry("messages", "Messages", { n: queue?.messages_ready }),
    ...(canTail ? [entry("tail", "Live tail")] : []),
    entry("consumers", "Consumers", { n: queue?.consumers }),
    entry("bindings", "Bindings", { n: bindings.data?.length }),
    ...(rights.isReadOnly ? [] : [entry("publish", "Publish"), entry("settings", "Settings", { isLast: true })]),
  ];
  if (queue?.type === "stream") return <StreamPage queue={queue} bindings={bindings.data} bindingsError={bindings.error} />;
  return (
    <>
      <PageHead
        title={name}
        crumbs={[{ title: "Queues", href: href(["queues"]) }, { title: vhost, href: href(["queues"], { filter: `vhost:${vhost}` }) }]}
        badges={queue && <QueueBadges queue={queue} />}
        acts={
          <>
            {queue && canPause && !rights.isReadOnly && (
              <Button class="hide-s" icon={isPaused ? "play" : "pause"} onPress={() => void pauseQueues([queue], !isPaused)}>{isPaused ? "Resume" : "Pause"}</Button>
            )}
            {queue && canMove && !rights.isReadOnly && (
              <Button class="hide-s" icon="move" onPress={() => setMove(true)} disabled={queue.messages_ready === 0}>Move…</Button>
            )}
            {queue && !rights.isReadOnly && queue.type !== "stream" && (
              <Button class="hide-s" onPress={() => setPurge(true)} disabled={queue.messages_ready === 0}>Purge…</Button>
            )}
            {!rights.isReadOnly && <Button class="hide-s" icon="send" onPress={() => setQuery({ tab: "publish" })}>Publish…</Button>}
            <RangeSwitch />
          </>
        }
        verdict={queue && <QueueVerdict queue={queue} />}
        tabs={tabs}
      />
      {queue === undefined ? (
        told.error ? <Failed what={`Queue ${name}`} error={told.error} /> : <Bones />
      ) : (
        <>
          {tab === "overview" && <QueueOverview queue={queue} bindings={bindings.data ?? []} />}
          {tab === "messages" && <MessagesTab queue={queue} />}
          {tab === "tail" && <TailTab route={[...path, "tail"]} vhost={vhost} name={name} />}
          {tab === "consumers" && <div class="body"><ConsumersPanel queue={queue} /></div>}
          {tab === "bindings" && (
            <div class="body">
              <BindingsPanel bindings={bindings.data} error={bindings.error} vhost={vhost} side="source" of={{ name, kind: "queue" }} />
            </div>
          )}
          {tab === "publish" && <div class="body"><PublishForm vhost={vhost} exchange="" routingKey={name} isFixed /></div>}
          {tab === "settings" && <QueueSettings queue={queue} />}
          {isMove && <MoveDialog queue={queue} onClose={() => setMove(false)} />}
          {isPurge && <DeleteQueuesDialog act="purge" queues={[queue]} onClose={() => setPurge(false)} />}
        </>
      )}
    </>
  );
}

function QueueBadges({ queue }: { queue: Queue }) {
  const members = queue.replicas?.length ?? queue.members?.length ?? 0;
  const online = queue.replicas?.filter((each) => each.in_sync && each.online).length ?? queue.online?.length ?? 0;
  return (
    <>
      <Badge>{queue.type ?? "classic"}</Badge>
      <Badge>{queue.durable ? "durable" : "transient"}</Badge>
      {queue.exclusive && <Badge look="line">exclusive</Badge>}
      {queue.auto_delete && <Badge look="line">auto-delete</Badge>}
      {members > 1 && <Badge look={online < members ? "warn" : "ok"}>{online} of {members} in sync</Badge>}
      <StateMark state={stateOfQueue(queue)} />
    </>
  );
}
