import { useState } from "preact/hooks";
import { ApiError } from "../../api/http";
import { ORIGIN } from "../../api/jobs";
import { deleteMessages, moveMessages, type TakenOut } from "../../api/picking";
import type { Message } from "../../api/types";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { Select } from "../../components/Select";
import { bytes } from "../../format/bytes";
import { many } from "../../format/many";
import { textOf } from "../../format/parts";
import { askAgain } from "../../state/polling";
import { say } from "../../state/toasts";

interface Props {
  vhost: string;
  queue: string;
  messages: readonly Message[];
  /** The queue is another one now: look again. */
  onDone: () => void;
}

/** Delete or move messages that are seen; nothing else is touched. */
export function PickedActs(props: Props) {
  const [open, setOpen] = useState<"" | "delete" | "move">("");
  const close = (): void => setOpen("");
  return (
    <>
      <Button look="s" onPress={() => setOpen("move")}>Move…</Button>
      <Button look="s" onPress={() => setOpen("delete")}>Delete…</Button>
      {open === "delete" && <DeleteDialog {...props} onClose={close} />}
      {open === "move" && <MoveDialog {...props} onClose={close} />}
    </>
  );
}

function DeleteDialog({ vhost, queue, messages, onDone, onClose }: Props & { onClose: () => void }) {
  const size = messages.reduce((sum, message) => sum + message.payload_bytes, 0);
  const [first] = messages;
  const what = messages.length === 1 && first ? <>message of {queue}, with the key <code>{first.routing_key || "(empty)"}</code></> : <>messages of {queue}, each as you saw it</>;
  return (
    <ConfirmDialog
      title={messages.length === 1 ? "Delete the message" : `Delete ${many(messages.length, "message")}`}
      losses={[
        { amount: messages.length, what },
        { amount: textOf(bytes(size)), what: "of bodies" },
      ]}
      typed=""
      act={`Delete ${messages.length}`}
      keep={messages.length === 1 ? "Keep the message" : "Keep messages"}
      onClose={onClose}
      onConfirm={async () => {
        tell("Deleted", queue, await deleteMessages(vhost, queue, messages));
        askAgain();
        onDone();
      }}
    >
      <p class="dim">What a consumer got meanwhile, or is another message now, stays. All others keep their places.</p>
    </ConfirmDialog>
  );
}

const CHOICES = [
  { id: "queue", title: "Another queue" },
  { id: ORIGIN, title: "Origin: where each one died" },
];

function MoveDialog({ vhost, queue, messages, onDone, onClose }: Props & { onClose: () => void }) {
  const [where, setWhere] = useState("queue");
  const [other, setOther] = useState("");
  const [fault, setFault] = useState("");
  const submit = async (): Promise<void> => {
    try {
      tell("Moved", queue, await moveMessages(vhost, queue, where === ORIGIN ? ORIGIN : other, messages));
      askAgain();
      onDone();
      onClose();
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : String(error));
    }
  };
  return (
    <Dialog
      title={messages.length === 1 ? "Move the message" : `Move ${many(messages.length, "message")}`}
      onClose={onClose}
      onSubmit={() => void submit()}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" submit>{`Move ${messages.length}`}</Button></>}
    >
      <Select label="Where to" value={where} onChoose={setWhere} choices={CHOICES} />
      {where !== ORIGIN && <Field label="Queue" hint={`of ${vhost}`} value={other} onInput={setOther} required isMono autoFocus />}
      <p class="dim">A copy is safe there before it leaves {queue}. What a consumer got meanwhile is not moved.</p>
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}

function tell(done: string, queue: string, told: TakenOut): void {
  const stays = told.messages.length - told.done;
  say(`${done} ${many(told.done, "message")} of ${queue}${stays > 0 ? `; ${stays} went before, or changed, and stay as they are` : ""}`);
}
