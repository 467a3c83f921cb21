import type { ComponentChildren } from "preact";
import { Icon } from "./Icon";
import type { IconName } from "./icons";

interface Props {
  icon?: IconName;
  isBad?: boolean;
  onPress: () => void;
  children: ComponentChildren;
}

export function MenuItem({ icon, isBad, onPress, children }: Props) {
  return (
    <button class={isBad ? "mi bad" : "mi"} type="button" onClick={onPress}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}
