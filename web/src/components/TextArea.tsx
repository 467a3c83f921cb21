import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

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
      <label for={id}>{label}{hint && <span class="hint">{hint}</span>}</label>
      <textarea
        id={id}
        class="area mono"
        rows={rows}
        spellcheck={false}
        placeholder={placeholder}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </div>
  );
}
