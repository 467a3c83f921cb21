import { useState } from "preact/hooks";
import { ApiError, request } from "../../api/http";
import type { Vhost } from "../../api/types";
import { Button } from "../../components/Button";
import { Checkbox } from "../../components/Checkbox";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { Select } from "../../components/Select";
import { TextArea } from "../../components/TextArea";
import { hidingPasswords, withPasswords } from "../../format/uris";
import { setQuery } from "../../route/router";
import { askAgain, usePolled } from "../../state/polling";
import { say } from "../../state/toasts";
import { ACK_MODES, formOf, UPSTREAM_KEYS, urisOf, valueOf, type Upstream, type UpstreamForm, type UpstreamKey } from "./upstream";

interface Props {
  /** Null is a new one. */
  saved: Upstream | null;
  vhost: string;
  onClose: () => void;
}

const GROUPS: readonly { of: UpstreamKey["of"]; title: string }[] = [
  { of: "exchange", title: "Where it feeds exchanges" },
  { of: "queue", title: "Where it feeds queues" },
];

/** An upstream as a form: its addresses, and how its links behave. */
export function UpstreamDialog({ saved, vhost, onClose }: Props) {
  const vhosts = usePolled("vhosts names", (signal) => request<Vhost[]>("GET", ["vhosts"], { query: { columns: "name" }, signal }));
  const [form, setForm] = useState<UpstreamForm>(() => formOf(saved, vhost));
  const [fault, setFault] = useState("");
  const [lacking, setLacking] = useState("");
  const change = (part: Partial<UpstreamForm>): void => setForm({ ...form, ...part });
  const submit = async (): Promise<void> => {
    const restored = withPasswords(form.uris, urisOf(saved?.value ?? {}));
    setLacking(restored.fault);
    if (restored.fault !== "") return;
    try {
      await request("PUT", ["parameters", "federation-upstream", form.vhost, form.name], { body: { value: valueOf(form, saved?.value) } });
      askAgain();
      say(saved ? `Saved upstream ${form.name}` : `Added upstream ${form.name}`);
      onClose();
      setQuery({ kind: "upstreams", open: `${form.vhost}/${form.name}`, new: undefined });
    } catch (error) {
      setFault(hidingPasswords(error instanceof ApiError ? error.reason : String(error), restored.uris));
    }
  };
  const field = (one: UpstreamKey) => (
    <Field key={one.key} label={one.title} hint={one.hint} placeholder={one.placeholder} type={one.isNumber ? "number" : "text"} value={form.fields[one.key] ?? ""} onInput={(text) => change({ fields: { ...form.fields, [one.key]: text } })} />
  );
  return (
    <Dialog
      title={saved ? `Edit upstream ${saved.name}` : "Add upstream"}
      onClose={onClose}
      onSubmit={() => void submit()}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" submit>{saved ? "Save and connect anew" : "Add upstream"}</Button></>}
    >
      {saved === null && (
        <div class="f2">
          <Field label="Name" value={form.name} onInput={(name) => change({ name })} required autoFocus placeholder="east" />
          <Select label="Virtual host" value={form.vhost} onChoose={(id) => change({ vhost: id })} choices={(vhosts.data ?? [{ name: vhost }]).map((known) => ({ id: known.name, title: known.name }))} />
        </div>
      )}
      <TextArea label="Address" hint="one a line; one of them is tried at a time" rows={2} value={form.uris} onInput={(uris) => change({ uris })} placeholder="amqps://links:secret@east.example/shop" {...(lacking === "" ? {} : { error: lacking })} />
      <div class="f2">{UPSTREAM_KEYS.filter((one) => one.of === "both").map(field)}</div>
      <Select label="Messages are acknowledged there" value={form.ackMode} choices={ACK_MODES} onChoose={(ackMode) => change({ ackMode })} />
      <label class="row"><Checkbox label="Trust user ids" checked={form.trustsUserIds} onChange={(trustsUserIds) => change({ trustsUserIds })} /><span>Trust the user ids that messages have there</span></label>
      {GROUPS.map((group) => (
        <div class="stack s" key={group.of} role="group" aria-label={group.title}>
          <h3>{group.title}</h3>
          <div class="f2">{UPSTREAM_KEYS.filter((one) => one.of === group.of).map(field)}</div>
        </div>
      ))}
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}
