import { useState } from "preact/hooks";
import { ApiError } from "../../api/http";
import { beginMove, ORIGIN } from "../../api/jobs";
import type { Queue } from "../../api/types";
import { Button } from "../../components/Button";
import { Checkbox } from "../../components/Checkbox";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { Select } from "../../components/Select";
import { setQuery } from "../../route/router";
import { askAgain } from "../../state/polling";
import { say } from "../../state/toasts";
import { actOf, EMPTY_FORM, wantedMove } from "./moveForm";
import { MoveFields } from "./MoveFields";

const CHOICES = [
  { id: "queue", title: "Another queue" },
  { id: ORIGIN, title: "Origin: where each one died" },
];

/** Move or copy the messages of a queue. */
export function MoveDialog({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const { vhost, name, messages_ready: ready = 0 } = queue;
  const [where, setWhere] = useState("queue");
  const [other, setOther] = useState("");
  const [form, setForm] = useState(EMPTY_FORM);
  const [isCopy, setCopy] = useState(false);
  const [fault, setFault] = useState("");
  const act = actOf(isCopy ? "Copy" : "Move", form, ready);
  const submit = async (): Promise<void> => {
    try {
      await beginMove(vhost, name, { dest: where === ORIGIN ? ORIGIN : other, ...wantedMove(form), copy: isCopy });
      askAgain("jobs");
      say(`${isCopy ? "Copying" : "Moving"} from ${name}`);
      onClose();
      setQuery({ tab: undefined });
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : String(error));
    }
  };
  return (
    <Dialog
      title={`Move messages of ${name}`}
      onClose={onClose}
      onSubmit={() => void submit()}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" submit>{act}</Button></>}
    >
      <Select label="Where to" value={where} onChoose={setWhere} choices={CHOICES} />
      {where !== ORIGIN && <Field label="Queue" hint={`of ${vhost}`} value={other} onInput={setOther} required isMono autoFocus />}
      <MoveFields form={form} onChange={setForm} />
      <label class="row"><Checkbox label="Copy" checked={isCopy} onChange={setCopy} /><span>Copy: they stay in this queue too</span></label>
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}
