import type { ComponentChildren } from "preact";
import { Icon } from "./Icon";
import type { IconName } from "./icons";

interface Props {
  icon: IconName;
  title: string;
  /** Why, and what it means. */
  children?: ComponentChildren;
  /** The one way on. */
  act?: ComponentChildren;
}

/** What is not there, why, and the one way on. */
export function Empty({ icon, title, children, act }: Props) {
  return (
    <div class="state-box">
      <Icon name={icon} />
      <b>{title}</b>
      {children && <p>{children}</p>}
      {act}
    </div>
  );
}
