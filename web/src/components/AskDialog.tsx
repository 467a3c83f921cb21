import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ApiError } from "../api/http";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Note } from "./Note";

interface Props {
  title: string;
  /** The act: "Drain node". */
  act: string;
  /** What will be, and how one comes back. */
  children: ComponentChildren;
  disabled?: boolean;
  onClose: () => void;
  /** Does it; what it throws is told in the dialog. */
  onConfirm: () => Promise<void>;
}

/** Before what changes much and can be taken back: what will be. */
export function AskDialog({ title, act, children, disabled, onClose, onConfirm }: Props) {
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const confirm = async (): Promise<void> => {
    if (isBusy || disabled) return;
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
      onClose={onClose}
      onSubmit={() => void confirm()}
      foot={
        <>
          <span class="push" />
          <Button onPress={onClose}>Cancel</Button>
          <Button look="primary" submit disabled={isBusy || disabled}>{act}</Button>
        </>
      }
    >
      {children}
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </Dialog>
  );
}
