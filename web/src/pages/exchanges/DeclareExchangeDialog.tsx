import { useState } from "preact/hooks";
import { declareExchange } from "../../api/acts";
import { ApiError, request } from "../../api/http";
import type { Vhost } from "../../api/types";
import { Button } from "../../components/Button";
import { Checkbox } from "../../components/Checkbox";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { Select } from "../../components/Select";
import { places } from "../../route/places";
import { useOverview } from "../../state/overview";
import { askAgain, usePolled } from "../../state/polling";
import { say } from "../../state/toasts";
import { ArgumentsField, readArguments } from "../ArgumentsField";

const FLAGS = [
  { id: "durable", title: "Durable: stays when the broker restarts" },
  { id: "auto_delete", title: "Deleted when its last binding goes" },
  { id: "internal", title: "Internal: only other exchanges publish to it" },
] as const;

/** A new exchange. */
export function DeclareExchangeDialog({ vhost, onClose }: { vhost: string; onClose: () => void }) {
  const vhosts = usePolled("vhosts names", (signal) => request<Vhost[]>("GET", ["vhosts"], { query: { columns: "name" }, signal }));
  const types = (useOverview().data?.exchange_types ?? []).filter((type) => type.enabled).map((type) => ({ id: type.name, title: type.name }));
  const [where, setWhere] = useState(vhost);
  const [name, setName] = useState("");
  const [type, setType] = useState("direct");
  const [flags, setFlags] = useState({ durable: true, auto_delete: false, internal: false });
  const [args, setArgs] = useState("");
  const [fault, setFault] = useState("");
  const submit = async (): Promise<void> => {
    try {
      await declareExchange(where, name, { type, ...flags, arguments: readArguments(args) });
      askAgain();
      say(`Declared ${name}`);
      onClose();
      location.hash = places.exchange(where, name);
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : (error as Error).message);
    }
  };
  return (
    <Dialog
      title="Declare exchange"
      onClose={onClose}
      onSubmit={() => void submit()}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" submit>Declare exchange</Button></>}
    >
      <Field label="Name" value={name} onInput={setName} placeholder="orders" required autoFocus />
      <div class="f2">
        <Select label="Virtual host" value={where} onChoose={setWhere} choices={(vhosts.data ?? [{ name: vhost }]).map((known) => ({ id: known.name, title: known.name }))} />
        <Select label="Type" value={type} onChoose={setType} choices={types.length > 0 ? types : [{ id: "direct", title: "direct" }]} />
      </div>
      {FLAGS.map((flag) => (
        <label key={flag.id} class="row">
          <Checkbox label={flag.title} checked={flags[flag.id]} onChange={(is) => setFlags({ ...flags, [flag.id]: is })} />
          <span>{flag.title}</span>
        </label>
      ))}
      <ArgumentsField value={args} words={["alternate-exchange"]} onInput={setArgs} />
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}
