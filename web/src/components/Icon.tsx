import { ICONS, type IconName } from "./icons";

interface Props {
  name: IconName;
  /** 12 px in place of 16. */
  small?: boolean;
  class?: string;
}

/** A drawing beside a word; it says nothing alone, so that screen readers pass it over. */
export function Icon({ name, small, class: extra }: Props) {
  const icon: { lines: string; dots?: string } = ICONS[name];
  return (
    <svg class={`ic${small ? " ic-s" : ""}${extra ? ` ${extra}` : ""}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={icon.lines} />
      {icon.dots && <path d={icon.dots} stroke-width="2.2" />}
    </svg>
  );
}
