import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./Icon";

interface Props {
  label: string;
  checked: boolean;
  /** Some are, some are not. */
  mixed?: boolean;
  id?: string;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}

export function Checkbox({ label, checked, mixed, id, disabled, onChange }: Props) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current !== null) box.current.indeterminate = mixed ?? false;
  }, [mixed]);
  return (
    <span class="boxed">
      <input
        ref={box}
        id={id}
        class={mixed ? "check mixed" : "check"}
        type="checkbox"
        checked={checked}
        disabled={disabled}
        aria-label={label}
        onChange={(event) => onChange(event.currentTarget.checked)}
        onClick={(event) => event.stopPropagation()}
      />
      {(checked || mixed) && <Icon name={mixed ? "minus" : "check"} />}
    </span>
  );
}
