import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Tabs, type Tab } from "./Tabs";

interface Props {
  title: string;
  /** Beside the title, dimmed. */
  of?: ComponentChildren;
  crumbs?: readonly { title: string; href: string }[];
  badges?: ComponentChildren;
  acts?: ComponentChildren;
  verdict?: ComponentChildren;
  tabs?: readonly Tab[];
}

/** The head of a page: its title, its buttons, one verdict, its tabs. */
export function PageHead({ title, of, crumbs, badges, acts, verdict, tabs }: Props) {
  useEffect(() => {
    document.title = `${title} · HareMQ`;
  }, [title]);
  return (
    <div class="head">
      <div class="head-row">
        <h1>
          {crumbs && (
            <span class="crumbs">{crumbs.map((crumb) => <a key={crumb.href} href={crumb.href}>{crumb.title}</a>)}</span>
          )}
          <span class="cut" title={title}>{title}</span>
          {of !== undefined && <span class="of">{of}</span>}
        </h1>
        {badges && <span class="badges">{badges}</span>}
        {acts && <div class="acts">{acts}</div>}
      </div>
      {verdict}
      {tabs && tabs.length > 0 && <Tabs tabs={tabs} />}
    </div>
  );
}
