import { useState } from "preact/hooks";
import { ApiError, request } from "../../api/http";
import { Button } from "../../components/Button";
import { Checkbox } from "../../components/Checkbox";
import { Dialog } from "../../components/Dialog";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { TextArea } from "../../components/TextArea";
import { setQuery } from "../../route/router";
import { askAgain } from "../../state/polling";
import { say } from "../../state/toasts";
import { membersOf, type UpstreamSet } from "./upstream";
import { useUpstreams } from "./useUpstreams";

interface Props {
  /** Null is a new one. */
  saved: UpstreamSet | null;
  vhost: string;
  onClose: () => void;
}

/** Which upstreams a set has. Few are ticked; more are typed. */
const TICKED_MAX = 12;

export function UpstreamSetDialog({ saved, vhost, onClose }: Props) {
  const known = useUpstreams(vhost, true).upstreams.map((upstream) => upstream.name);
  const [name, setName] = useState(saved?.name ?? "");
  const [text, setText] = useState((saved?.value ?? []).map((member) => member.upstream).join("\n"));
  const [fault, setFault] = useState("");
  const members = membersOf(text, saved?.value);
  const has = (upstream: string): boolean => members.some((member) => member.upstream === upstream);
  const tick = (upstream: string, is: boolean): void =>
    setText([...members.map((member) => member.upstream).filter((other) => other !== upstream), ...(is ? [upstream] : [])].join("\n"));
  const submit = async (): Promise<void> => {
    try {
      await request("PUT", ["parameters", "federation-upstream-set", vhost, name], { body: { value: members } });
      askAgain();
      say(saved ? `Saved set ${name}` : `Added set ${name}`);
      onClose();
      setQuery({ kind: "sets", new: undefined });
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : String(error));
    }
  };
  const unknown = members.filter((member) => !known.includes(member.upstream)).map((member) => member.upstream);
  return (
    <Dialog
      title={saved ? `Edit set ${saved.name}` : "Add set"}
      onClose={onClose}
      onSubmit={() => void submit()}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" submit disabled={members.length === 0}>{saved ? "Save set" : "Add set"}</Button></>}
    >
      {saved === null && <Field label="Name" hint={`in ${vhost}`} value={name} onInput={setName} required autoFocus placeholder="coasts" />}
      {known.length > 0 && known.length <= TICKED_MAX ? (
        <div class="stack s" role="group" aria-label="Upstreams">
          {known.map((upstream) => <label class="row" key={upstream}><Checkbox label={upstream} checked={has(upstream)} onChange={(is) => tick(upstream, is)} /><span class="cut" title={upstream}>{upstream}</span></label>)}
        </div>
      ) : (
        <TextArea label="Upstreams" hint="one a line" rows={4} value={text} onInput={setText} placeholder={"east\nwest"} />
      )}
      {unknown.length > 0 && <Note look="warn">{unknown.join(", ")}: no upstream of {vhost} is called so.</Note>}
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}
