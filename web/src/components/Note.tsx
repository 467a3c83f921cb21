import type { ComponentChildren } from "preact";
import { Icon } from "./Icon";
import type { IconName } from "./icons";

interface Props {
  look?: "ok" | "warn" | "bad";
  icon?: IconName;
  children: ComponentChildren;
}

/** One sentence inside a panel or a form. */
export function Note({ look, icon, children }: Props) {
  const drawn = icon ?? (look === "warn" || look === "bad" ? look : undefined);
  return (
    <p class={look ? `note ${look}` : "note"} role={look === "bad" ? "alert" : undefined}>
      {drawn && <Icon name={drawn} />}
      <span>{children}</span>
    </p>
  );
}
