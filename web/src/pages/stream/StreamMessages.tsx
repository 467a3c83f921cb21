import { lookFrom } from "../../api/looks";
import type { Queue } from "../../api/types";
import { Button } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Note } from "../../components/Note";
import { wholeCount } from "../../format/count";
import { saveFile } from "../../list/exporting";
import { setQuery, useAddress } from "../../route/router";
import { useCapability } from "../../state/capabilities";
import { useKeys } from "../../state/keys";
import { useRights } from "../../state/rights";
import { MessageActs } from "../messages/MessageActs";
import { MessageFilterField } from "../messages/MessageFilterField";
import { messageFilterOf } from "../messages/messageFilter";
import { MessagePanel } from "../messages/MessagePanel";
import { MessageRows } from "../messages/MessageRows";
import { PickColumns } from "../messages/PickColumns";
import { ScanLine } from "../messages/ScanLine";
import { useLook } from "../messages/useLook";
import { GoTo } from "./GoTo";

/** Messages of a stream from any place on; looking changes nothing. */
export function StreamMessages({ queue }: { queue: Queue }) {
  const { query } = useAddress();
  const rights = useRights();
  const canLook = useCapability("POST queues/{}/{}/stream");
  const from = query.from ?? "last";
  const find = query.find ?? "";
  const filter = messageFilterOf(find);
  const looked = useLook(canLook ? `${from} ${find}` : null, (place, signal) =>
    lookFrom(/^\d+$/.test(from) ? Number(from) : from, { vhost: queue.vhost, queue: queue.name, filter, from: place, signal }),
  );
  const { fault } = looked;
  const list = looked.items;
  const open = query.message === undefined ? -1 : Number(query.message);
  const show = (index: number): void => {
    const offset = list[index]?.offset;
    setQuery({ message: index < 0 ? undefined : String(index), at: offset === undefined ? undefined : String(offset) });
  };
  const step = (by: number): void => show(Math.max(0, Math.min(list.length - 1, open + by)));
  useKeys({ j: () => step(1), k: () => step(-1), Escape: () => show(-1) });
  const message = list[open];
  const save = (): void => saveFile(`${queue.name}.jsonl`, `${list.map((one) => JSON.stringify(one)).join("\n")}\n`, "application/x-ndjson");
  if (!canLook) return <Note>This broker's HTTP API does not read streams.</Note>;
  return (
    <section class="panel clip" aria-label="Messages of the stream">
      <div class="tools">
        <GoTo key={from} from={from} onGo={(next) => setQuery({ from: next, message: undefined, at: undefined })} />
        <MessageFilterField key={find} value={find} onChoose={(text) => setQuery({ find: text, message: undefined })} />
        <Button class="hide-s" icon="refresh" disabled={looked.isBusy} onPress={looked.again}>Again</Button>
        <PickColumns />
        <Button class="hide-s" icon="download" disabled={list.length === 0} onPress={save}>Save</Button>
      </div>
      <ScanLine looked={looked} isFiltered={find !== ""} />
      {fault !== "" && <div class="below"><Note look="bad">{fault}</Note></div>}
      <div class={message ? "split in-panel" : "split in-panel whole"}>
        <div class="col">
          {list.length > 0 ? (
            <MessageRows messages={list} kind="stream" open={open} onOpen={show} />
          ) : (
            !looked.isBusy && !looked.isNew && fault === "" && (
              <Empty icon="stream" title={find === "" ? "No message here" : "No message fits"}>
                {find === "" ? "What is written stands here, from this place on." : <>Nothing that was scanned has <code>{find}</code>.</>}
              </Empty>
            )
          )}
        </div>
        {message && (
          <MessagePanel
            message={message}
            vhost={queue.vhost}
            title={`Offset ${wholeCount(message.offset ?? open)}`}
            note={`${open + 1} of ${list.length}`}
            acts={!rights.isReadOnly && <MessageActs message={message} vhost={queue.vhost} />}
            onStep={step}
            onClose={() => show(-1)}
          />
        )}
      </div>
    </section>
  );
}
