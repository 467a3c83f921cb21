import { useState } from "preact/hooks";
import { ApiError, request } from "../../api/http";
import type { Vhost } from "../../api/types";
import { Button } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { Select } from "../../components/Select";
import { setQuery } from "../../route/router";
import { askAgain, usePolled } from "../../state/polling";
import { say } from "../../state/toasts";
import { EndFields } from "./EndFields";
import { ACK_MODES, ENDS, faultsOf, formOf, localUri, valueOf, type EndForm, type End, type ShovelFaults, type ShovelField, type ShovelForm, type ShovelValue } from "./shovel";

/** A shovel as the broker has it, with the passwords that are not shown. */
export interface SavedShovel {
  name: string;
  vhost: string;
  value: ShovelValue;
}

interface Props {
  /** Null is a new one. */
  saved: SavedShovel | null;
  vhost: string;
  onClose: () => void;
}

/** A shovel as a form; what the broker refuses stands at the field it is about. */
export function ShovelDialog({ saved, vhost, onClose }: Props) {
  const vhosts = usePolled("vhosts names", (signal) => request<Vhost[]>("GET", ["vhosts"], { query: { columns: "name" }, signal }));
  const [form, setForm] = useState<ShovelForm>(() => formOf(saved?.value ?? null, saved?.name ?? "", saved?.vhost ?? vhost));
  const [told, setTold] = useState<{ faults: ShovelFaults; rest: string }>({ faults: {}, rest: "" });
  const [isBusy, setBusy] = useState(false);
  const change = (part: Partial<ShovelForm>): void => setForm({ ...form, ...part });
  const changeEnd = (end: End) => (part: Partial<EndForm>): void => change({ [end]: { ...form[end], ...part } });
  const choose = (next: string): void => {
    // An address that was not touched follows the virtual host.
    const moved = (end: EndForm): EndForm => (end.uris === localUri(form.vhost) ? { ...end, uris: localUri(next) } : end);
    change({ vhost: next, src: moved(form.src), dest: moved(form.dest) });
  };
  const at = (field: ShovelField) => {
    const error = told.faults[field];
    return error === undefined ? {} : { error };
  };
  const submit = async (): Promise<void> => {
    const { value, faults } = valueOf(form, saved?.value);
    if (Object.keys(faults).length > 0 || isBusy) {
      setTold({ faults, rest: "" });
      return;
    }
    setBusy(true);
    try {
      await request("PUT", ["parameters", "shovel", form.vhost, form.name], { body: { value } });
      askAgain();
      say(saved ? `Saved shovel ${form.name}` : `Added shovel ${form.name}`);
      onClose();
      setQuery({ new: undefined });
    } catch (error) {
      setTold(faultsOf(error instanceof ApiError ? error.reason : String(error), value));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={saved ? `Edit shovel ${saved.name}` : "Add shovel"}
      onClose={onClose}
      onSubmit={() => void submit()}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" submit disabled={isBusy}>{saved ? "Save and start anew" : "Add shovel"}</Button></>}
    >
      {saved === null && (
        <div class="f2">
          <Field label="Name" value={form.name} onInput={(name) => change({ name })} required autoFocus placeholder="orders-to-east" />
          <Select label="Virtual host" value={form.vhost} onChoose={choose} choices={(vhosts.data ?? [{ name: vhost }]).map((known) => ({ id: known.name, title: known.name }))} />
        </div>
      )}
      {saved !== null && <p class="dim">In {saved.vhost}. Passwords are not shown; those that you leave stay as they are.</p>}
      <EndFields end="src" form={form.src} faults={told.faults} onChange={changeEnd("src")} />
      <EndFields end="dest" form={form.dest} faults={told.faults} onChange={changeEnd("dest")} />
      <div class="stack s" role="group" aria-label="How it moves them">
        <h3>How</h3>
        <Select label="Messages are acknowledged at the source" value={form.ackMode} choices={ACK_MODES} onChoose={(ackMode) => change({ ackMode })} {...at("ack")} />
        <div class="f2">
          <Field label="Prefetch" hint="messages" type="number" value={form.prefetch} onInput={(prefetch) => change({ prefetch })} placeholder="1000" {...at("prefetch")} />
          <Field label="Reconnect after" hint="0: never" suffix="s" type="number" value={form.reconnectDelay} onInput={(reconnectDelay) => change({ reconnectDelay })} placeholder="5" {...at("reconnect")} />
        </div>
        <div class={form.endsAfter === "count" ? "f2" : "stack s"}>
          <Select label="It is deleted after" value={form.endsAfter} choices={ENDS} onChoose={(endsAfter) => change({ endsAfter })} {...(form.endsAfter === "count" ? {} : at("end"))} />
          {form.endsAfter === "count" && <Field label="Messages" type="number" required value={form.endCount} onInput={(endCount) => change({ endCount })} placeholder="1000" {...at("end")} />}
        </div>
      </div>
      {told.rest !== "" && <Note look="bad">{told.rest}</Note>}
    </Dialog>
  );
}
