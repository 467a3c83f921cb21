import { useState } from "preact/hooks";
import { getMessages } from "../../api/acts";
import { ApiError } from "../../api/http";
import type { Message, Queue } from "../../api/types";
import { Button } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Icon } from "../../components/Icon";
import { Note } from "../../components/Note";
import { wholeCount } from "../../format/count";
import { setQuery, useAddress } from "../../route/router";
import { useKeys } from "../../state/keys";
import { useRights } from "../../state/rights";
import { saveFile } from "../../list/exporting";
import { MessagePanel } from "./MessagePanel";
import { MessageRows } from "./MessageRows";

const COUNT = 50;

/** Messages of a broker that cannot peek: they are taken as a client does, and come back. */
export function TakenMessages({ queue }: { queue: Queue }) {
  const { query } = useAddress();
  const rights = useRights();
  const [messages, setMessages] = useState<readonly Message[] | null>(null);
  const [fault, setFault] = useState("");
  const [isBusy, setBusy] = useState(false);
  const open = query.message === undefined ? -1 : Number(query.message);
  const show = (index: number): void => setQuery({ message: index < 0 ? undefined : String(index) });
  const read = async (): Promise<void> => {
    setBusy(true);
    try {
      setMessages(await getMessages(queue.vhost, queue.name, COUNT));
      setFault("");
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : String(error));
    }
    setBusy(false);
  };
  const list = messages ?? [];
  const step = (by: number): void => show(Math.max(0, Math.min(list.length - 1, open + by)));
  useKeys({ j: () => step(1), k: () => step(-1), Escape: () => show(-1) });
  const message = list[open];
  const isStream = queue.type === "stream";
  const save = (): void => saveFile(`${queue.name}.jsonl`, list.map((one) => JSON.stringify(one)).join("\n") + "\n", "application/x-ndjson");
  return (
    <div class={message ? "split" : "split whole"}>
      <div class="col">
        <div class="tools">
          {!rights.isReadOnly && !isStream && (
            <Button icon="eye" disabled={isBusy} onPress={() => void read()}>{`Take up to ${COUNT}, and put them back`}</Button>
          )}
          <span class="push" />
          {list.length > 0 && <Button icon="download" onPress={save}>Save</Button>}
        </div>
        <div class="scan">
          <span>{messages === null ? "" : <>Loaded <b>{wholeCount(list.length)}</b> of {wholeCount(queue.messages_ready ?? 0)} ready</>}</span>
          <span class="push row">
            <Icon name="warn" />
            This broker cannot peek: what is taken comes back marked as redelivered
          </span>
        </div>
        {fault !== "" && <div class="below"><Note look="bad">{fault}</Note></div>}
        {messages === null ? (
          <Empty icon="eye" title={isStream ? "A stream cannot be browsed here" : "Nothing was read yet"}>
            {isStream ? "Its messages are read with an offset, which this broker's HTTP API does not take." : `The queue has ${wholeCount(queue.messages_ready ?? 0)} ready messages.`}
          </Empty>
        ) : list.length === 0 ? (
          <Empty icon="queue" title="No message is ready" />
        ) : (
          <MessageRows messages={list} kind="ready" open={open} onOpen={show} />
        )}
      </div>
      {message && (
        <MessagePanel
          message={message}
          vhost={queue.vhost}
          title={`Position ${wholeCount(message.position ?? open)}`}
          note={`${open + 1} of ${list.length}`}
          onStep={step}
          onClose={() => show(-1)}
        />
      )}
    </div>
  );
}
