import { Icon } from "./Icon";
import type { IconName } from "./icons";

interface Props {
  icon: IconName;
  /** What it does, for the tooltip and for screen readers. */
  label: string;
  small?: boolean;
  class?: string;
  pressed?: boolean;
  onPress: (event: MouseEvent) => void;
}

export function IconButton({ icon, label, small, class: extra, pressed, onPress }: Props) {
  return (
    <button
      class={["iconbtn", small && "s", extra].filter(Boolean).join(" ")}
      type="button"
      title={label}
      aria-label={label}
      aria-pressed={pressed}
      onClick={onPress}
    >
      <Icon name={icon} />
    </button>
  );
}
