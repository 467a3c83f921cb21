import type { ComponentChildren } from "preact";

interface Props {
  look?: "ok" | "warn" | "bad" | "info" | "line";
  title?: string;
  children: ComponentChildren;
}

export function Badge({ look, title, children }: Props) {
  return <span class={look ? `badge ${look}` : "badge"} title={title}>{children}</span>;
}
