import type { ComponentChildren } from "preact";
import { Icon } from "./Icon";

/** One sentence: the cause, since when, and the act that mends it. */
export function Verdict({ look, children }: { look: "warn" | "bad"; children: ComponentChildren }) {
  return (
    <p class="verdict">
      <Icon name={look} class={look} />
      <span>{children}</span>
    </p>
  );
}
