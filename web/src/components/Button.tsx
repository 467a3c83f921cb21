import type { ComponentChildren } from "preact";
import { Icon } from "./Icon";
import type { IconName } from "./icons";

interface Props {
  children: ComponentChildren;
  icon?: IconName;
  look?: "primary" | "destroy" | "outline-bad" | "ghost" | "ghost s" | "s" | "bad";
  submit?: boolean;
  disabled?: boolean | undefined;
  /** Why it is disabled, or what it does. */
  title?: string | undefined;
  class?: string;
  autoFocus?: boolean;
  onPress?: (event: MouseEvent) => void;
}

/** A button that names its act; `…` at the end says that a dialog opens. */
export function Button({ children, icon, look, submit, disabled, title, class: extra, autoFocus, onPress }: Props) {
  return (
    <button
      class={["btn", look, extra].filter(Boolean).join(" ")}
      type={submit ? "submit" : "button"}
      disabled={disabled}
      title={title}
      autofocus={autoFocus}
      onClick={onPress}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}
