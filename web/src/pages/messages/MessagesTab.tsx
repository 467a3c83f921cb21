import { useState } from "preact/hooks";
import { getMessages } from "../../api/acts";
import { ApiError, request } from "../../api/http";
import type { Message, Queue } from "../../api/types";
import { Button } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Icon } from "../../components/Icon";
import { Note } from "../../components/Note";
import { wholeCount } from "../../format/count";
import { setQuery, useAddress } from "../../route/router";
import { useCapability } from "../../state/capabilities";
import { useKeys } from "../../state/keys";
import { useRights } from "../../state/rights";
import { saveFile } from "../../list/exporting";
import { MessagePanel } from "./MessagePanel";
import { MessageRows } from "./MessageRows";

const COUNT = 50;

/** The messages of a queue. Where the broker can peek, looking changes nothing. */
export function MessagesTab({ queue }: { queue: Queue }) {
  const { query } = useAddress();
  const rights = useRights();
  const canPeek = useCapability("POST queues/{}/{}/peek");
  const [messages, setMessages] = useState<readonly Message[] | null>(null);
  const [fault, setFault] = useState("");
  const [isBusy, setBusy] = useState(false);
  const open = query.message === undefined ? -1 : Number(query.message);
  const show = (index: number): void => setQuery({ message: index < 0 ? undefined : String(index) });
  const read = async (from: number): Promise<void> => {
    setBusy(true);
    try {
      const found = canPeek
        ? await request<Message[]>("POST", ["queues", queue.vhost, queue.name, "peek"], {
            body: { offset: from, count: COUNT, state: "ready", encoding: "auto", truncate: 50_000 },
          })
        : await getMessages(queue.vhost, queue.name, COUNT);
      setMessages(from === 0 ? found : [...(messages ?? []), ...found]);
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
          {!rights.isReadOnly && !(isStream && !canPeek) && (
            <Button icon="eye" disabled={isBusy} onPress={() => void read(0)}>
              {canPeek ? "From the head" : `Take up to ${COUNT}, and put them back`}
            </Button>
          )}
          {canPeek && list.length > 0 && <Button disabled={isBusy} onPress={() => void read(list.length)}>{COUNT} more</Button>}
          <span class="push" />
          {list.length > 0 && <Button icon="download" onPress={save}>Save</Button>}
        </div>
        <div class="scan">
          <span>{messages === null ? "" : <>Loaded <b>{wholeCount(list.length)}</b> of {wholeCount(queue.messages_ready ?? 0)} ready</>}</span>
          <span class="push row">
            <Icon name={canPeek ? "eye" : "warn"} />
            {canPeek ? "Looking changes nothing" : "This broker cannot peek: what is taken comes back marked as redelivered"}
          </span>
        </div>
        {fault !== "" && <div class="below"><Note look="bad">{fault}</Note></div>}
        {messages === null ? (
          <Empty icon="eye" title={isStream && !canPeek ? "A stream cannot be browsed here" : "Nothing was read yet"}>
            {isStream && !canPeek ? "Its messages are read with an offset, which this broker's HTTP API does not take." : `The queue has ${wholeCount(queue.messages_ready ?? 0)} ready messages.`}
          </Empty>
        ) : list.length === 0 ? (
          <Empty icon="queue" title="No message is ready" />
        ) : (
          <MessageRows messages={list} open={open} onOpen={show} />
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
