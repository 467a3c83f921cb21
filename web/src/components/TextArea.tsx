import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { FieldError } from "./FieldError";
import { FieldLabel } from "./FieldLabel";

interface Props {
  label: string;
  hint?: ComponentChildren;
  value: string;
  rows?: number;
  placeholder?: string;
  error?: string;
  onInput: (value: string) => void;
}

/** A labelled field of several lines: payloads and JSON. */
export function TextArea({ label, hint, value, rows = 6, placeholder, error, onInput }: Props) {
  const id = useId();
  return (
    <div class="field">
      <FieldLabel id={id} label={label} hint={hint} />
      <textarea
        id={id}
        class={error ? "area mono invalid" : "area mono"}
        rows={rows}
        spellcheck={false}
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? `${id}-error` : hint ? `${id}-hint` : undefined}
        placeholder={placeholder}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <FieldError id={id} error={error} />
    </div>
  );
}
