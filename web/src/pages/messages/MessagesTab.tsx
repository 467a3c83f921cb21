import { useState } from "preact/hooks";
import { peek } from "../../api/looks";
import type { Queue } from "../../api/types";
import { Bones } from "../../components/Bones";
import { Button } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Icon } from "../../components/Icon";
import { Note } from "../../components/Note";
import { Segmented } from "../../components/Segmented";
import { wholeCount } from "../../format/count";
import { BulkBar } from "../../list/BulkBar";
import { setQuery, useAddress } from "../../route/router";
import { areKnown, useCapability } from "../../state/capabilities";
import { useKeys } from "../../state/keys";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { ExportMessages } from "./ExportMessages";
import { messageFilterOf } from "./messageFilter";
import { MessageActs } from "./MessageActs";
import { MessageFilterField } from "./MessageFilterField";
import { MessagePanel } from "./MessagePanel";
import { MessageRows } from "./MessageRows";
import { PickColumns } from "./PickColumns";
import { PickedActs } from "./PickedActs";
import { ScanLine } from "./ScanLine";
import { TakenMessages } from "./TakenMessages";
import { useLook } from "./useLook";

/** The messages of a queue. Where the broker can peek, looking changes nothing. */
export function MessagesTab({ queue }: { queue: Queue }) {
  const canPeek = useCapability("POST queues/{}/{}/peek");
  const isKnown = useStore(areKnown);
  if (!isKnown) return <Bones />;
  return canPeek ? <Browser queue={queue} /> : <TakenMessages queue={queue} />;
}

const NONE: ReadonlySet<string> = new Set();

function Browser({ queue }: { queue: Queue }) {
  const { query } = useAddress();
  const rights = useRights();
  const state = query.state === "unacked" ? "unacked" : "ready";
  const find = query.find ?? "";
  const filter = messageFilterOf(find);
  const looked = useLook(`${state} ${find}`, (from, signal) =>
    peek({ vhost: queue.vhost, queue: queue.name, state, filter, from, signal }),
  );
  const { fault } = looked;
  const list = looked.items;
  const open = query.message === undefined ? -1 : Number(query.message);
  const show = (index: number): void => setQuery({ message: index < 0 ? undefined : String(index) });
  const step = (by: number): void => show(Math.max(0, Math.min(list.length - 1, open + by)));
  useKeys({ j: () => step(1), k: () => step(-1), Escape: () => show(-1) });
  const message = list[open];
  const mayPick = useCapability("POST queues/{}/{}/messages/delete") && state === "ready" && !rights.isReadOnly;
  const [chosen, setChosen] = useState(NONE);
  const picked = mayPick ? list.filter((one) => chosen.has(one.place ?? "")) : [];
  const lookAgain = (): void => {
    setChosen(NONE);
    show(-1);
    looked.again();
  };
  const picking = { vhost: queue.vhost, queue: queue.name, onDone: lookAgain };
  return (
    <div class={message ? "split" : "split whole"}>
      <div class="col">
        <div class="tools">
          <Segmented
            label="Which messages"
            chosen={state}
            onChoose={(id) => setQuery({ state: id === "unacked" ? id : undefined, message: undefined })}
            choices={[
              { id: "ready", title: `Ready ${wholeCount(queue.messages_ready ?? 0)}` },
              { id: "unacked", title: `Unacked ${wholeCount(queue.messages_unacknowledged ?? 0)}` },
            ]}
          />
          <MessageFilterField key={find} value={find} onChoose={(text) => setQuery({ find: text, message: undefined })} />
          <Button class="hide-s" icon="refresh" disabled={looked.isBusy} onPress={looked.again}>From the head</Button>
          <PickColumns />
          <ExportMessages vhost={queue.vhost} queue={queue.name} filter={filter} why={state === "unacked" ? "Messages that are ready can be exported" : undefined} />
        </div>
        <ScanLine looked={looked} isFiltered={find !== ""} />
        {fault !== "" && <div class="below"><Note look="bad">{fault}</Note></div>}
        {list.length > 0 ? (
          <MessageRows messages={list} kind={state} open={open} onOpen={show} chosen={chosen} onChoose={mayPick ? setChosen : undefined} />
        ) : (
          !looked.isBusy && !looked.isNew && fault === "" && <NothingFound state={state} find={find} />
        )}
        {picked.length > 0 && (
          <BulkBar label="Selected messages" count={picked.length} sum="of those that are shown" onClear={() => setChosen(NONE)}>
            <PickedActs {...picking} messages={picked} />
          </BulkBar>
        )}
        <div class="status">
          <span>{wholeCount(list.length)} shown, in the order of delivery</span>
          <span class="push row hide-s"><Icon name="eye" small />Looking changes nothing</span>
        </div>
      </div>
      {message && (
        <MessagePanel
          message={message}
          vhost={queue.vhost}
          title={state === "unacked" ? `Delivery ${message.delivery_tag ?? ""}` : `Position ${wholeCount(message.position ?? open)}`}
          note={`${open + 1} of ${list.length}`}
          acts={!rights.isReadOnly && <MessageActs message={message} vhost={queue.vhost} more={mayPick && <PickedActs {...picking} messages={[message]} />} />}
          onStep={step}
          onClose={() => show(-1)}
        />
      )}
    </div>
  );
}

function NothingFound({ state, find }: { state: string; find: string }) {
  if (find !== "") {
    return (
      <Empty icon="search" title="No message fits" act={<Button onPress={() => setQuery({ find: undefined })}>Clear the filter</Button>}>
        Nothing that was scanned has <code>{find}</code>.
      </Empty>
    );
  }
  return state === "unacked" ? (
    <Empty icon="consumer" title="No consumer holds a message">What was delivered is acknowledged.</Empty>
  ) : (
    <Empty icon="queue" title="No message is ready">What comes in stands here until a consumer takes it.</Empty>
  );
}
