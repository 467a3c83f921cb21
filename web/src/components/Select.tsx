import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { FieldLabel } from "./FieldLabel";
import { Icon } from "./Icon";

interface Props {
  label: string;
  hint?: ComponentChildren;
  value: string;
  choices: readonly { id: string; title: string }[];
  onChoose: (id: string) => void;
}

/** A labelled choice of one of many. */
export function Select({ label, hint, value, choices, onChoose }: Props) {
  const id = useId();
  return (
    <div class="field">
      <FieldLabel id={id} label={label} hint={hint} />
      <span class="input choice">
        <select id={id} aria-describedby={hint ? `${id}-hint` : undefined} value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
          {choices.map((choice) => <option key={choice.id} value={choice.id}>{choice.title}</option>)}
        </select>
        <Icon name="down" small />
      </span>
    </div>
  );
}
