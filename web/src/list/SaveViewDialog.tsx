import { useState } from "preact/hooks";
import { Button } from "../components/Button";
import { Dialog } from "../components/Dialog";
import { Field } from "../components/Field";
import { Note } from "../components/Note";
import { say } from "../state/toasts";
import { nameIn, VIEWS_MAX, withView, type SavedView, type Shown } from "./savedViews";

interface Props {
  what: string;
  views: readonly SavedView[];
  shown: Shown;
  onSave: (views: readonly SavedView[]) => void;
  onClose: () => void;
}

/** A name for what is shown now; the browser keeps it. */
export function SaveViewDialog({ what, views, shown, onSave, onClose }: Props) {
  const [typed, setTyped] = useState("");
  const name = nameIn(typed);
  const isReplaced = views.some((view) => view.name === name);
  const next = name === "" ? null : withView(views, { name, ...shown });
  const submit = (): void => {
    if (next === null) return;
    onSave(next);
    say(`Saved view ${name}`);
    onClose();
  };
  return (
    <Dialog
      title="Save view"
      onClose={onClose}
      onSubmit={submit}
      foot={<><Button onPress={onClose}>Cancel</Button><Button look="primary" submit disabled={next === null}>{isReplaced ? "Replace view" : "Save view"}</Button></>}
    >
      <Field label="Name" hint="kept in this browser" value={typed} onInput={setTyped} required autoFocus placeholder={`${what} that need a hand`} />
      <dl class="kv tight">
        <dt>filter</dt><dd class="mono">{shown.filter || "–"}</dd>
        <dt>order</dt><dd class="mono">{shown.sort || "the usual one"}</dd>
        <dt>columns</dt><dd class="mono">{shown.columns.split(",").join(", ")}</dd>
      </dl>
      {isReplaced && <Note look="warn">There is a view of that name. It is replaced.</Note>}
      {name !== "" && next === null && <Note look="warn">There are {VIEWS_MAX} views, or this one is too long. Delete one first.</Note>}
    </Dialog>
  );
}
