import { useState } from "preact/hooks";
import { ApiError, request } from "../../api/http";
import { Button } from "../../components/Button";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { setQuery } from "../../route/router";
import { askAgain } from "../../state/polling";
import { say } from "../../state/toasts";
import { TagChoice } from "./TagChoice";

/** A new user. */
export function AddUserDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [tags, setTags] = useState<readonly string[]>([]);
  const [fault, setFault] = useState("");
  const differs = again !== "" && again !== password;
  const submit = async (): Promise<void> => {
    if (password !== again) return;
    try {
      const secret = password === "" ? { password_hash: "" } : { password };
      await request("PUT", ["users", name], { body: { ...secret, tags: tags.join(",") } });
      askAgain();
      say(`Added user ${name}`);
      onClose();
      setQuery({ open: name });
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : String(error));
    }
  };
  return (
    <Dialog
      title="Add user"
      onClose={onClose}
      onSubmit={() => void submit()}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" submit>Add user</Button></>}
    >
      <Field label="Name" value={name} onInput={setName} required autoFocus placeholder="checkout" />
      <Field label="Password" hint="empty: logs in with a certificate alone" type="password" value={password} onInput={setPassword} autocomplete="new-password" />
      <Field label="Password again" type="password" value={again} onInput={setAgain} autocomplete="new-password" {...(differs ? { error: "The two differ." } : {})} />
      <TagChoice tags={tags} onChange={setTags} />
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}
