import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ApiError } from "../api/http";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Note } from "./Note";

/** What would be lost: how much of what. */
export interface Loss {
  amount: ComponentChildren;
  what: ComponentChildren;
}

interface Props {
  title: string;
  losses: readonly Loss[];
  /** What has to be typed before the act; empty asks for nothing. */
  typed: string;
  /** The act and its size: "Purge 344,288". */
  act: string;
  /** What stays: "Keep messages". */
  keep: string;
  /** More to say or to choose. */
  children?: ComponentChildren;
  onClose: () => void;
  /** Does it; what it throws is told in the dialog. */
  onConfirm: () => Promise<void>;
}

/** Before what cannot be undone: what would be lost, live; the focus is on the way back. */
export function ConfirmDialog({ title, losses, typed, act, keep, children, onClose, onConfirm }: Props) {
  const [text, setText] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const isReady = typed === "" || text === typed;
  const confirm = async (): Promise<void> => {
    if (!isReady || isBusy) return;
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : String(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      isAlert
      onClose={onClose}
      onSubmit={() => void confirm()}
      foot={
        <>
          <span class="push" />
          <Button onPress={onClose} autoFocus>{keep}</Button>
          <Button look="destroy" submit disabled={!isReady || isBusy}>{act}</Button>
        </>
      }
    >
      <p>This cannot be undone. What would be lost, as of now:</p>
      <ul class="loss">
        {losses.map((loss, index) => (
          <li key={index}>
            <span class="big">{loss.amount}</span>
            <span>{loss.what}</span>
          </li>
        ))}
      </ul>
      {children}
      {typed !== "" && (
        <div class="field">
          <label for="confirm-name">Type <span class="mono">{typed}</span> to go on</label>
          <span class="input lg mono">
            <input id="confirm-name" autocomplete="off" value={text} onInput={(event) => setText(event.currentTarget.value)} />
          </span>
        </div>
      )}
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}
