import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { FieldLabel } from "./FieldLabel";

interface Props {
  label: string;
  hint?: ComponentChildren;
  value: string;
  rows?: number;
  placeholder?: string;
  onInput: (value: string) => void;
}

/** A labelled field of several lines: payloads and JSON. */
export function TextArea({ label, hint, value, rows = 6, placeholder, onInput }: Props) {
  const id = useId();
  return (
    <div class="field">
      <FieldLabel id={id} label={label} hint={hint} />
      <textarea
        id={id}
        class="area mono"
        rows={rows}
        spellcheck={false}
        aria-describedby={hint ? `${id}-hint` : undefined}
        placeholder={placeholder}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </div>
  );
}
