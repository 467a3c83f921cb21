import { useState } from "preact/hooks";
import type { Queue } from "../../api/types";
import { Button } from "../../components/Button";
import { Count, Figure } from "../../components/Figure";
import { PageHead } from "../../components/PageHead";
import { StateMark } from "../../components/StateMark";
import { bytes } from "../../format/bytes";
import { bareRate } from "../../format/rate";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { places } from "../../route/places";
import { useCapability } from "../../state/capabilities";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { chosenVhost } from "../../state/vhost";
import { DeclareQueueDialog } from "../queues/DeclareQueueDialog";
import { policyOf } from "../queues/features";
import { streamTabs } from "./streamTabs";
import { inRate, keyOfQueue, outRate, QUEUE_FIELDS, stateOfQueue } from "../queues/queueColumns";

const keeps = (queue: Queue): string =>
  [queue.arguments["x-max-age"] ?? policyOf(queue)["max-age"], sizeOf(queue.arguments["x-max-length-bytes"] ?? policyOf(queue)["max-length-bytes"])].filter(Boolean).join(" or ");

function sizeOf(value: unknown): string {
  return typeof value === "number" ? `${Math.round(value / 1024 ** 2)} MiB` : "";
}

const COLUMNS: readonly Column<Queue>[] = [
  {
    id: "name", title: "Stream", label: "Stream", isFluid: true, serverKey: "name", value: (queue) => queue.name,
    cell: (queue) => (
      <>
        <a class="name" href={places.stream(queue.vhost, queue.name)} title={queue.name}>{queue.name}</a>
        <span class="meta"><StateMark state={stateOfQueue(queue)} /><span>{queue.vhost}</span></span>
      </>
    ),
  },
  { id: "vhost", title: "Virtual host", label: "Virtual host", width: "p3", class: "sub", word: "vhost", value: (queue) => queue.vhost, cell: (queue) => queue.vhost },
  { id: "state", title: "State", label: "State", width: "p2", word: "state", value: stateOfQueue, cell: (queue) => <StateMark state={stateOfQueue(queue)} /> },
  { id: "messages", title: "Messages", label: "Messages", isNumber: true, word: "messages", value: (queue) => queue.messages, cell: (queue) => <Count value={queue.messages} /> },
  { id: "in", title: <>Written<span class="u"> /s</span></>, label: "Written a second", isNumber: true, width: "p2", word: "in", value: inRate, cell: (queue) => <Figure parts={bareRate(inRate(queue))} /> },
  { id: "out", title: <>Read<span class="u"> /s</span></>, label: "Read a second", isNumber: true, width: "p2", word: "out", value: outRate, cell: (queue) => <Figure parts={bareRate(outRate(queue))} /> },
  { id: "readers", title: "Readers", label: "Readers", isNumber: true, width: "p2", word: "readers", value: (queue) => queue.consumers, cell: (queue) => <Count value={queue.consumers} /> },
  { id: "size", title: "Size", label: "Bytes", isNumber: true, width: "p3", word: "size", value: (queue) => queue.message_bytes, cell: (queue) => <Figure parts={bytes(queue.message_bytes)} /> },
  { id: "keeps", title: "Keeps", label: "Keeps", width: "p3", class: "sub", value: keeps, cell: (queue) => keeps(queue) || <span class="dim" title="no limit: it keeps all">all</span> },
];

/** Streams: queues whose messages stay after they were read. */
export function StreamsPage() {
  const vhost = useStore(chosenVhost);
  const rights = useRights();
  const hasSuperStreams = useCapability("GET stream/super-streams");
  const [isDeclare, setDeclare] = useState(false);
  return (
    <>
      <PageHead title="Streams" tabs={streamTabs("streams", hasSuperStreams)} acts={!rights.isReadOnly && <Button look="primary" icon="plus" onPress={() => setDeclare(true)}>Declare stream</Button>} />
      <ListView<Queue>
        id="streams"
        what="streams"
        icon="stream"
        route={vhost === "" ? ["queues"] : ["queues", vhost]}
        fields={QUEUE_FIELDS}
        where={(queue) => queue.type === "stream"}
        columns={COLUMNS}
        sort={[{ id: "in", isDown: true }]}
        nameOf={(queue) => queue.name}
        keyOf={keyOfQueue}
        placeholder="Name, or  messages:>1M"
        onOpen={(queue) => { location.hash = places.stream(queue.vhost, queue.name); }}
        empty={{
          title: "There is no stream",
          text: vhost === "" ? "A stream is a log that many readers replay, each from where it wants." : <>Virtual host <code>{vhost}</code> has none. Another one is chosen at the top.</>,
        }}
      />
      {isDeclare && <DeclareQueueDialog vhost={vhost === "" ? "/" : vhost} type="stream" onClose={() => setDeclare(false)} />}
    </>
  );
}
