import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { FieldError } from "./FieldError";
import { FieldLabel } from "./FieldLabel";
import { Icon } from "./Icon";

interface Props {
  label: string;
  hint?: ComponentChildren;
  value: string;
  error?: string;
  choices: readonly { id: string; title: string }[];
  onChoose: (id: string) => void;
}

/** A labelled choice of one of many. */
export function Select({ label, hint, value, error, choices, onChoose }: Props) {
  const id = useId();
  return (
    <div class="field">
      <FieldLabel id={id} label={label} hint={hint} />
      <span class={error ? "input choice invalid" : "input choice"}>
        <select id={id} aria-invalid={error ? true : undefined} aria-describedby={error ? `${id}-error` : hint ? `${id}-hint` : undefined} value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
          {choices.map((choice) => <option key={choice.id} value={choice.id}>{choice.title}</option>)}
        </select>
        <Icon name="down" small />
      </span>
      <FieldError id={id} error={error} />
    </div>
  );
}
