import { Icon } from "../components/Icon";
import { Mark } from "../components/Mark";
import { Figure } from "../components/Figure";
import { count } from "../format/count";
import { href, useAddress } from "../route/router";
import { useOverview } from "../state/overview";
import { useRights } from "../state/rights";
import { NAVIGATION, type Entry } from "./navigation";

export function Sidebar() {
  const { segments } = useAddress();
  const rights = useRights();
  const overview = useOverview().data;
  const first = segments[0] ?? "";
  const isHere = (entry: Entry): boolean => first === (entry.segments[0] ?? "") || (entry.also?.includes(first) ?? false);
  return (
    <aside class="side">
      <a class="brand" href={href([])}><Mark />HareMQ</a>
      <nav class="nav" aria-label="Main">
        {NAVIGATION.map((group) => (
          <>
            {group.title && <h2>{group.title}</h2>}
            {group.entries.filter((entry) => entry.isFor?.(rights) ?? true).map((entry) => {
              const n = entry.count?.(overview);
              return (
                <a key={entry.title} href={href(entry.segments)} title={entry.title} aria-current={isHere(entry) ? "page" : undefined}>
                  <Icon name={entry.icon} />
                  {entry.title}
                  {n !== undefined && <span class="n"><Figure parts={count(n)} /></span>}
                </a>
              );
            })}
          </>
        ))}
      </nav>
      <div class="side-foot">
        <b>{overview?.cluster_name ?? ""}</b>
        <br />
        {overview && `${overview.product_name ?? "RabbitMQ"} ${overview.product_version ?? overview.rabbitmq_version}`}
      </div>
    </aside>
  );
}
