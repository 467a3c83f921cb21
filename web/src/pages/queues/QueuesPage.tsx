import { useState } from "preact/hooks";
import type { Queue } from "../../api/types";
import { Button } from "../../components/Button";
import { Icon } from "../../components/Icon";
import { PageHead } from "../../components/PageHead";
import { count } from "../../format/count";
import { many } from "../../format/many";
import { textOf } from "../../format/parts";
import { BulkBar } from "../../list/BulkBar";
import { ListView } from "../../list/ListView";
import { matching } from "../../list/matching";
import type { Rows } from "../../list/useRows";
import { parseFilter } from "../../route/filter";
import { href, useAddress } from "../../route/router";
import { places } from "../../route/places";
import { useCapability } from "../../state/capabilities";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { chosenVhost } from "../../state/vhost";
import { pausable, pauseQueues } from "../queue/pausing";
import { DeclareQueueDialog } from "./DeclareQueueDialog";
import { DeleteQueuesDialog } from "./DeleteQueuesDialog";
import { keyOfQueue, QUEUE_COLUMNS, QUEUE_FIELDS } from "./queueColumns";

/** Filters that many want, with how many they find now. */
const VIEWS: readonly { title: string; filter: string; look?: "warn" }[] = [
  { title: "All", filter: "" },
  { title: "With messages", filter: "ready:>0" },
  { title: "No consumer", filter: "consumers:0", look: "warn" },
  { title: "Unacked", filter: "unacked:>0" },
  { title: "In flow", filter: "state:flow", look: "warn" },
  { title: "Streams", filter: "type:stream" },
  { title: "Quorum", filter: "type:quorum" },
];

const WORDS = QUEUE_COLUMNS.flatMap((column) => column.word ?? []);

/** All queues. */
export function QueuesPage() {
  const { query } = useAddress();
  const rights = useRights();
  const vhost = useStore(chosenVhost);
  const canPause = useCapability("PUT queues/{}/{}/pause");
  const [dialog, setDialog] = useState<"declare" | { act: "purge" | "delete"; queues: readonly Queue[]; clear: () => void } | null>(null);
  const [rows, setRows] = useState<Rows<Queue> | null>(null);
  const filter = query.filter ?? "";
  const found = (text: string): number | undefined => {
    if (rows === null || rows.isLoading) return undefined;
    if (text === "") return rows.total;
    return rows.isWhole ? matching(rows.atHand, parseFilter(text, WORDS), QUEUE_COLUMNS, (queue) => queue.name).length : undefined;
  };
  return (
    <>
      <PageHead
        title="Queues"
        acts={!rights.isReadOnly && <Button look="primary" icon="plus" onPress={() => setDialog("declare")}>Declare queue</Button>}
        tabs={VIEWS.map((view) => ({
          title: view.title,
          href: href(["queues"], { filter: view.filter, sort: query.sort }),
          isCurrent: filter === view.filter,
          n: found(view.filter),
          look: view.look,
        }))}
      />
      <ListView<Queue>
        id="queues"
        what="queues"
        icon="queue"
        route={vhost === "" ? ["queues"] : ["queues", vhost]}
        fields={QUEUE_FIELDS}
        columns={QUEUE_COLUMNS}
        sort={[{ id: "ready", isDown: true }]}
        nameOf={(queue) => queue.name}
        keyOf={keyOfQueue}
        placeholder="Name, or  ready:>1000  state:flow  type:quorum"
        onOpen={(queue) => { location.hash = places.queue(queue.vhost, queue.name); }}
        onRows={(next) => { if (isOther(rows, next)) setTimeout(() => setRows(next)); }}
        empty={{
          title: "There is no queue yet",
          text: vhost === "" ? "A client declares one, or you do." : <>Virtual host <code>{vhost}</code> has none. A client declares one, or you do.</>,
          act: !rights.isReadOnly && <Button icon="plus" onPress={() => setDialog("declare")}>Declare queue</Button>,
        }}
        status={(told) => totalsText(told.atHand)}
        {...(rights.isReadOnly ? {} : {
          bulk: (queues: readonly Queue[], clear: () => void) => (
            <BulkBar label="Selected queues" count={queues.length} sum={sumText(queues)} onClear={clear}>
              {canPause && pausable(queues, true).length > 0 && <Button icon="pause" onPress={() => { void pauseQueues(pausable(queues, true), true); clear(); }}>Pause</Button>}
              {canPause && pausable(queues, false).length > 0 && <Button icon="play" onPress={() => { void pauseQueues(pausable(queues, false), false); clear(); }}>Resume</Button>}
              <Button onPress={() => setDialog({ act: "purge", queues, clear })}>Purge…</Button>
              <button class="btn bad" type="button" onClick={() => setDialog({ act: "delete", queues, clear })}><Icon name="trash" />Delete…</button>
            </BulkBar>
          ),
        })}
      />
      {dialog === "declare" && <DeclareQueueDialog vhost={vhost === "" ? "/" : vhost} onClose={() => setDialog(null)} />}
      {dialog !== null && dialog !== "declare" && <DeleteQueuesDialog {...dialog} onClose={() => setDialog(null)} />}
    </>
  );
}

function isOther(known: Rows<Queue> | null, next: Rows<Queue>): boolean {
  return known === null || known.total !== next.total || known.isLoading !== next.isLoading || known.atHand.length !== next.atHand.length || known.atHand[0] !== next.atHand[0];
}

function sumText(queues: readonly Queue[]): string {
  const messages = queues.reduce((sum, queue) => sum + (queue.messages ?? 0), 0);
  const consumers = queues.reduce((sum, queue) => sum + (queue.consumers ?? 0), 0);
  return `${many(messages, "message")}, ${many(consumers, "consumer")}`;
}

function totalsText(queues: readonly Queue[]): string {
  const ready = queues.reduce((sum, queue) => sum + (queue.messages_ready ?? 0), 0);
  const unacked = queues.reduce((sum, queue) => sum + (queue.messages_unacknowledged ?? 0), 0);
  return `${textOf(count(ready))} ready, ${textOf(count(unacked))} unacked`;
}
