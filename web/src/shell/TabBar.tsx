import { useState } from "preact/hooks";
import { Dialog } from "../components/Dialog";
import { Button } from "../components/Button";
import { Icon } from "../components/Icon";
import { href, useAddress } from "../route/router";
import { useAttention } from "../state/attention";
import { useRights } from "../state/rights";
import { NAVIGATION } from "./navigation";
import { openPalette } from "./palette";

/** The bar of five at the bottom of a phone. */
export function TabBar() {
  const { segments, query } = useAddress();
  const attention = useAttention();
  const rights = useRights();
  const [isOpen, setOpen] = useState(false);
  const first = segments[0] ?? "";
  const isAttention = first === "" && query.show === "attention";
  const press = (act: () => void) => (event: Event): void => {
    event.preventDefault();
    act();
  };
  return (
    <nav class="tabbar" aria-label="Main, phone">
      <a href={href([])} aria-current={first === "" && !isAttention ? "page" : undefined}><Icon name="overview" />Overview</a>
      <a href={href(["queues"])} aria-current={first === "queues" ? "page" : undefined}><Icon name="queue" />Queues</a>
      <a href={href([], { show: "attention" })} aria-current={isAttention ? "page" : undefined}>
        <Icon name="bell" />Attention
        {attention !== undefined && attention.length > 0 && <span class="n">{attention.length}</span>}
      </a>
      <a href="#/" role="button" onClick={press(() => openPalette())}><Icon name="search" />Find</a>
      <a href="#/" role="button" onClick={press(() => setOpen(true))}><Icon name="menu" />More</a>
      {isOpen && (
        <Dialog title="All pages" onClose={() => setOpen(false)} foot={<Button onPress={() => setOpen(false)}>Close</Button>}>
          <ul class="more-list">
            {NAVIGATION.flatMap((group) => group.entries).filter((entry) => entry.isFor?.(rights) ?? true).map((entry) => (
              <li key={entry.title}>
                <a href={href(entry.segments)} onClick={() => setOpen(false)}><Icon name={entry.icon} />{entry.title}</a>
              </li>
            ))}
          </ul>
        </Dialog>
      )}
    </nav>
  );
}
