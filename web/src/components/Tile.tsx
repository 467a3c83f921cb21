import type { ComponentChildren } from "preact";
import { Icon } from "./Icon";

interface Props {
  title: string;
  href?: string | undefined;
  /** The number; large with `stat`. */
  value: ComponentChildren;
  /** One line under it. */
  note?: ComponentChildren;
  look?: "warn" | "bad" | undefined;
  stat?: boolean;
  children?: ComponentChildren;
}

/** A number with its name and one line of what it means; several stand in a Strip. */
export function Tile({ title, href, value, note, look, stat, children }: Props) {
  const inside = (
    <>
      <span class="k">
        {look && <Icon name="warn" small class={look} />}
        {title}
      </span>
      <span class={look && stat ? `v ${look}` : "v"}>{value}</span>
      {note !== undefined && <span class={look && !stat ? `d ${look}` : "d"}>{note}</span>}
      {children}
    </>
  );
  const look2 = stat ? "cell stat" : "cell";
  return href === undefined ? <div class={look2}>{inside}</div> : <a class={look2} href={href}>{inside}</a>;
}

/** Tiles side by side in one frame. */
export function Strip({ label, flat, children }: { label: string; flat?: boolean; children: ComponentChildren }) {
  return <section class={flat ? "strip flat" : "strip"} aria-label={label}>{children}</section>;
}
