import { Field } from "../../components/Field";
import { Segmented } from "../../components/Segmented";
import { TextArea } from "../../components/TextArea";
import type { End, EndForm, ShovelFaults } from "./shovel";

interface Props {
  end: End;
  form: EndForm;
  faults: ShovelFaults;
  onChange: (part: Partial<EndForm>) => void;
}

const QUEUE = { id: "queue", title: "Queue" };
const EXCHANGE = { id: "exchange", title: "Exchange" };
const OWN = { id: "own", title: "As they came" };

/** Where messages come from, or go to. */
export function EndFields({ end, form, faults, onChange }: Props) {
  const isSource = end === "src";
  const title = isSource ? "Source" : "Destination";
  const at = (part: "uri" | "name" | "key") => {
    const error = faults[`${end}-${part}`];
    return error === undefined ? {} : { error };
  };
  return (
    <div class="stack s" role="group" aria-label={title}>
      <h3>{isSource ? "From" : "To"}</h3>
      <TextArea label={`${title} address`} hint="one a line; amqp:// is this broker" rows={2} value={form.uris} onInput={(uris) => onChange({ uris })} placeholder="amqps://mover:secret@east.example/shop" {...at("uri")} />
      <Segmented label={`${title} kind`} chosen={form.kind} onChoose={(kind) => onChange({ kind: kind as EndForm["kind"] })} choices={isSource ? [QUEUE, EXCHANGE] : [QUEUE, EXCHANGE, OWN]} />
      {form.kind === "own" && <p class="dim">Each message goes to the exchange, and with the key, that it was published with.</p>}
      {form.kind === "queue" && <Field label={`${title} queue`} hint="declared if it is not there" value={form.name} onInput={(name) => onChange({ name })} placeholder="orders.created" {...at("name")} />}
      {form.kind === "exchange" && (
        <div class="f2">
          <Field label={`${title} exchange`} value={form.name} onInput={(name) => onChange({ name })} placeholder="orders" {...at("name")} />
          <Field label={`${title} key`} hint={isSource ? "to bind with" : "empty: their own"} isMono value={form.key} onInput={(key) => onChange({ key })} placeholder={isSource ? "order.#" : "order.created"} {...at("key")} />
        </div>
      )}
    </div>
  );
}
