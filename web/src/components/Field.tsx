import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { FieldError } from "./FieldError";
import { FieldLabel } from "./FieldLabel";
import { inputType } from "./inputType";

interface Props {
  label: string;
  hint?: ComponentChildren;
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "password" | "number";
  placeholder?: string;
  error?: string;
  isMono?: boolean;
  isLarge?: boolean;
  /** The unit behind the value. */
  suffix?: string;
  autocomplete?: string;
  required?: boolean;
  autoFocus?: boolean;
  readOnly?: boolean;
  /** Words to choose from while typing. */
  suggestions?: readonly string[];
}

/** A labelled input; an error stands under it and is told to screen readers. */
export function Field(props: Props) {
  const id = useId();
  const look = ["input", props.isLarge && "lg", props.isMono && "mono", props.error && "invalid"];
  return (
    <div class="field">
      <FieldLabel id={id} label={props.label} hint={props.hint} />
      <span class={look.filter(Boolean).join(" ")}>
        <input
          id={id}
          {...inputType(props.type ?? "text")}
          value={props.value}
          placeholder={props.placeholder}
          autocomplete={props.autocomplete ?? "off"}
          required={props.required}
          autofocus={props.autoFocus}
          readOnly={props.readOnly}
          list={props.suggestions ? `${id}-list` : undefined}
          aria-invalid={props.error ? true : undefined}
          aria-describedby={props.error ? `${id}-error` : props.hint ? `${id}-hint` : undefined}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
        {props.suffix && <span class="suffix">{props.suffix}</span>}
      </span>
      {props.suggestions && (
        <datalist id={`${id}-list`}>{props.suggestions.map((word) => <option key={word} value={word} />)}</datalist>
      )}
      <FieldError id={id} error={props.error} />
    </div>
  );
}
