import { useState } from "preact/hooks";
import { ApiError, request } from "../../api/http";
import { Button } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { Select } from "../../components/Select";
import { setQuery } from "../../route/router";
import { askAgain } from "../../state/polling";
import { say } from "../../state/toasts";

const TYPES = ["classic", "quorum", "stream"].map((id) => ({ id, title: id }));

/** A new virtual host. */
export function AddVhostDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [tags, setTags] = useState("");
  const [type, setType] = useState("classic");
  const [fault, setFault] = useState("");
  const submit = async (): Promise<void> => {
    try {
      await request("PUT", ["vhosts", name], { body: { description, tags, default_queue_type: type } });
      askAgain();
      say(`Added virtual host ${name}`);
      onClose();
      setQuery({ open: name });
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : String(error));
    }
  };
  return (
    <Dialog
      title="Add virtual host"
      onClose={onClose}
      onSubmit={() => void submit()}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" submit>Add virtual host</Button></>}
    >
      <Field label="Name" value={name} onInput={setName} required autoFocus placeholder="shop" />
      <Field label="Description" value={description} onInput={setDescription} placeholder="Orders and payments" />
      <Field label="Tags" hint="words with commas" value={tags} onInput={setTags} placeholder="production,eu" />
      <Select label="Type of queues that name none" value={type} choices={TYPES} onChoose={setType} />
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}
