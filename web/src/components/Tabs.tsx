import { Figure } from "./Figure";
import { count, type Measured } from "../format/count";

export interface Tab {
  title: string;
  href: string;
  isCurrent: boolean;
  /** How many are behind it. */
  n?: Measured;
  look?: "warn" | "bad" | undefined;
  /** At the far end: settings. */
  isLast?: boolean;
}

export function Tabs({ tabs }: { tabs: readonly Tab[] }) {
  return (
    <nav class="tabs" aria-label="Views">
      {tabs.map((tab) => (
        <a key={tab.title} href={tab.href} aria-current={tab.isCurrent ? "page" : undefined} class={tab.isLast ? "danger" : undefined}>
          {tab.title}
          {tab.n !== undefined && (
            <span class={tab.look && tab.n ? `n ${tab.look}` : "n"}><Figure parts={count(tab.n)} /></span>
          )}
        </a>
      ))}
    </nav>
  );
}
