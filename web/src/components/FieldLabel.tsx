import type { ComponentChildren } from "preact";

interface Props {
  /** Of the input. */
  id: string;
  label: string;
  hint?: ComponentChildren;
}

/** The name of an input, and a hint beside it that describes the input and is not part of its name. */
export function FieldLabel({ id, label, hint }: Props) {
  return (
    <span class="lab">
      <label for={id}>{label}</label>
      {hint && <span class="hint" id={`${id}-hint`}>{hint}</span>}
    </span>
  );
}
