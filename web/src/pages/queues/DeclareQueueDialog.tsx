import { useState } from "preact/hooks";
import { declareQueue } from "../../api/acts";
import { ApiError, request } from "../../api/http";
import type { Table, Vhost } from "../../api/types";
import { Button } from "../../components/Button";
import { Checkbox } from "../../components/Checkbox";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { Select } from "../../components/Select";
import { ArgumentsField, readArguments } from "../ArgumentsField";
import { askAgain, usePolled } from "../../state/polling";
import { places } from "../../route/places";
import { say } from "../../state/toasts";

const TYPES = [
  { id: "classic", title: "Classic" },
  { id: "quorum", title: "Quorum: copies on several nodes" },
  { id: "stream", title: "Stream: kept after reading" },
];

const WORDS = [
  "x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes", "x-overflow", "x-dead-letter-exchange",
  "x-dead-letter-routing-key", "x-single-active-consumer", "x-max-priority", "x-queue-mode", "x-delivery-limit", "x-max-age",
  "x-stream-max-segment-size-bytes",
];

/** A new queue. */
export function DeclareQueueDialog({ vhost, type: first = "classic", onClose }: { vhost: string; type?: string; onClose: () => void }) {
  const vhosts = usePolled("vhosts names", (signal) => request<Vhost[]>("GET", ["vhosts"], { query: { columns: "name" }, signal }));
  const [where, setWhere] = useState(vhost);
  const [name, setName] = useState("");
  const [type, setType] = useState(first);
  const [isDurable, setDurable] = useState(true);
  const [isAutoDelete, setAutoDelete] = useState(false);
  const [args, setArgs] = useState("");
  const [fault, setFault] = useState("");
  const submit = async (): Promise<void> => {
    try {
      const given: Table = { "x-queue-type": type, ...readArguments(args) };
      await declareQueue(where, name, { durable: isDurable || type !== "classic", auto_delete: isAutoDelete, arguments: given });
      askAgain();
      say(`Declared ${name}`);
      onClose();
      location.hash = places.queue(where, name);
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : (error as Error).message);
    }
  };
  return (
    <Dialog
      title="Declare queue"
      onClose={onClose}
      onSubmit={() => void submit()}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" submit>Declare queue</Button></>}
    >
      <Field label="Name" value={name} onInput={setName} placeholder="orders.created" required autoFocus />
      <div class="f2">
        <Select label="Virtual host" value={where} onChoose={setWhere} choices={(vhosts.data ?? [{ name: vhost }]).map((known) => ({ id: known.name, title: known.name }))} />
        <Select label="Type" value={type} onChoose={setType} choices={TYPES} />
      </div>
      {type === "classic" && (
        <>
          <label class="row"><Checkbox label="Durable" checked={isDurable} onChange={setDurable} /><span>Durable: stays when the broker restarts</span></label>
          <label class="row"><Checkbox label="Auto-delete" checked={isAutoDelete} onChange={setAutoDelete} /><span>Deleted when its last consumer leaves</span></label>
        </>
      )}
      <ArgumentsField value={args} words={WORDS} onInput={setArgs} />
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}
