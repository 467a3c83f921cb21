import { useState } from "preact/hooks";
import { publish } from "../../api/acts";
import { ApiError } from "../../api/http";
import type { Table } from "../../api/types";
import { Button } from "../../components/Button";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { Panel } from "../../components/Panel";
import { Segmented } from "../../components/Segmented";
import { TextArea } from "../../components/TextArea";
import { exchangeTitle } from "../../format/names";
import { askAgain } from "../../state/polling";
import { ArgumentsField, readArguments } from "../ArgumentsField";

interface Props {
  vhost: string;
  exchange: string;
  routingKey?: string;
  /** The routing key is that of the queue which is looked at. */
  isFixed?: boolean;
}

const PROPERTIES = [
  "content_type", "correlation_id", "reply_to", "expiration", "message_id", "priority", "type", "app_id", "user_id", "timestamp",
];

/** Publish one message, and be told whether it reached a queue. */
export function PublishForm({ vhost, exchange, routingKey = "", isFixed }: Props) {
  const [key, setKey] = useState(routingKey);
  const [payload, setPayload] = useState("");
  const [encoding, setEncoding] = useState<"string" | "base64">("string");
  const [isPersistent, setPersistent] = useState("2");
  const [headers, setHeaders] = useState("");
  const [properties, setProperties] = useState("");
  const [told, setTold] = useState<{ look: "ok" | "warn" | "bad"; text: string } | null>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      const given: Table = { delivery_mode: Number(isPersistent), ...readArguments(properties) };
      if (headers.trim() !== "") given.headers = readArguments(headers);
      const { routed } = await publish(vhost, exchange, { routing_key: key, properties: given, payload, payload_encoding: encoding });
      setTold(routed ? { look: "ok", text: "Published; it reached a queue." } : { look: "warn", text: "Published, but no queue took it: nothing is bound for this key." });
      askAgain();
    } catch (error) {
      setTold({ look: "bad", text: error instanceof ApiError ? error.reason : (error as Error).message });
    }
  };
  return (
    <Panel title="Publish a message" note={isFixed ? "through the default exchange" : `to ${exchangeTitle(exchange)}`}>
      <form class="form-grid" onSubmit={(event) => void submit(event)}>
        <div class="f2">
          <Field label="Routing key" value={key} onInput={setKey} isMono readOnly={isFixed ?? false} />
          <div class="field">
            <span class="lab">Delivery</span>
            <Segmented label="Delivery" chosen={isPersistent} onChoose={setPersistent} choices={[{ id: "2", title: "Persistent" }, { id: "1", title: "Transient" }]} />
          </div>
        </div>
        <TextArea label="Body" rows={8} value={payload} onInput={setPayload} placeholder='{"id": 1}' />
        <Segmented
          label="The body is"
          chosen={encoding}
          onChoose={(id) => setEncoding(id === "base64" ? "base64" : "string")}
          choices={[{ id: "string", title: "Text" }, { id: "base64", title: "Base64" }]}
        />
        <ArgumentsField label="Headers" value={headers} words={["x-tenant", "x-delay"]} onInput={setHeaders} />
        <ArgumentsField label="Properties" value={properties} words={PROPERTIES} onInput={setProperties} />
        {told && <Note look={told.look} {...(told.look === "ok" ? { icon: "check" as const } : {})}>{told.text}</Note>}
        <div class="form-acts"><Button look="primary" icon="send" submit>Publish</Button></div>
      </form>
    </Panel>
  );
}
