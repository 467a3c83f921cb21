import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { publish } from "../../api/acts";
import { ApiError } from "../../api/http";
import type { Message } from "../../api/types";
import { Button } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Icon } from "../../components/Icon";
import { Menu } from "../../components/Menu";
import { MenuItem } from "../../components/MenuItem";
import { Note } from "../../components/Note";
import { TextArea } from "../../components/TextArea";
import { copyText } from "../../state/clipboard";
import { askAgain } from "../../state/polling";
import { say } from "../../state/toasts";
import { asCurl, asPython } from "./asCode";
import { octetsOf, propertiesOf } from "./body";

const COPIES: readonly { title: string; make: (message: Message, vhost: string) => string }[] = [
  { title: "JSON", make: (message) => JSON.stringify(message, null, 2) },
  { title: "curl", make: (message, vhost) => asCurl(message, vhost, location.origin + location.pathname) },
  { title: "Python", make: (message, vhost) => asPython(message, vhost, location.hostname) },
];

/** What can be done with one message that is looked at; `more` takes it out of its queue. */
export function MessageActs({ message, vhost, more }: { message: Message; vhost: string; more?: ComponentChildren }) {
  const [isRepublish, setRepublish] = useState(false);
  return (
    <div class="row wrap">
      <Button look="s" icon="send" onPress={() => setRepublish(true)}>Republish a copy…</Button>
      <Menu label="Copy as" button={(attributes) => <button class="btn s" type="button" {...attributes}><Icon name="copy" />Copy as…</button>}>
        {(close) => COPIES.map((copy) => (
          <MenuItem key={copy.title} onPress={() => { close(); void copyText(copy.make(message, vhost), `the message as ${copy.title}`); }}>{copy.title}</MenuItem>
        ))}
      </Menu>
      {more}
      {isRepublish && <RepublishDialog message={message} vhost={vhost} onClose={() => setRepublish(false)} />}
    </div>
  );
}

/** A copy, which may be edited, goes to an exchange as a new message; the one that is looked at stays. */
function RepublishDialog({ message, vhost, onClose }: { message: Message; vhost: string; onClose: () => void }) {
  const isText = message.payload_encoding === "string";
  const isCut = message.payload_bytes > octetsOf(message).length;
  const [exchange, setExchange] = useState(message.exchange);
  const [key, setKey] = useState(message.routing_key);
  const [payload, setPayload] = useState(message.payload);
  const [fault, setFault] = useState("");
  const submit = async (): Promise<void> => {
    const properties = propertiesOf(message);
    try {
      const body = { routing_key: key, properties, payload, payload_encoding: message.payload_encoding };
      const { routed } = await publish(vhost, exchange, body);
      askAgain();
      say(routed ? "Published the copy" : "Published the copy, but no queue took it");
      onClose();
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : (error as Error).message);
    }
  };
  return (
    <Dialog
      title="Republish a copy"
      onClose={onClose}
      onSubmit={() => void submit()}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" icon="send" submit disabled={isCut}>Publish the copy</Button></>}
    >
      <p>It goes as a new message with the same properties. The one you look at stays where it is.</p>
      <Field label="Exchange" hint="empty is the default one" value={exchange} onInput={setExchange} />
      <Field label="Routing key" value={key} onInput={setKey} isMono />
      {isText ? <TextArea label="Body" rows={8} value={payload} onInput={setPayload} /> : <p class="dim">The body is no text, and goes as it is.</p>}
      {isCut && <Note look="warn">Only the beginning of its body was read; a copy would be cut.</Note>}
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}
