import { Icon } from "../components/Icon";
import { IconButton } from "../components/IconButton";
import { href } from "../route/router";
import { useAttention } from "../state/attention";
import type { Account } from "../state/session";
import { useStore } from "../state/store";
import { nextTheme, theme } from "../state/theme";
import { openPalette } from "./palette";
import { UserMenu } from "./UserMenu";
import { VhostSwitcher } from "./VhostSwitcher";

export function TopBar({ account }: { account: Account }) {
  const chosen = useStore(theme);
  const attention = useAttention() ?? [];
  const isBad = attention.some((entry) => entry.severity === "bad");
  return (
    <header class="top">
      <VhostSwitcher />
      <button class="command" type="button" onClick={() => openPalette()}>
        <Icon name="search" />
        <span>Find or run anything</span>
        <kbd>Ctrl K</kbd>
      </button>
      <span class="push only-phone" />
      {attention.length > 0 && (
        <a class={isBad ? "pill bad" : "pill warn"} href={href([], { show: "attention" })}>
          <Icon name="warn" small />
          {attention.length} to look at
        </a>
      )}
      <IconButton icon={chosen === "dark" ? "moon" : "sun"} label={`Theme: ${chosen}`} onPress={nextTheme} />
      <UserMenu account={account} />
    </header>
  );
}
