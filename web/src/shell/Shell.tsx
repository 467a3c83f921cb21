import { useEffect, useState } from "preact/hooks";
import { Toasts } from "../components/Toasts";
import { useAddress } from "../route/router";
import { askCapabilities } from "../state/capabilities";
import { health } from "../state/health";
import { useOverview } from "../state/overview";
import type { Account } from "../state/session";
import { useStore } from "../state/store";
import { Banners } from "./Banners";
import { CurrentPage } from "./CurrentPage";
import { KeyHelp } from "./KeyHelp";
import { Palette } from "./Palette";
import { Sidebar } from "./Sidebar";
import { TabBar } from "./TabBar";
import { TopBar } from "./TopBar";
import { useGlobalKeys } from "./useGlobalKeys";

/** The frame around each page. */
export function Shell({ account }: { account: Account }) {
  const [isHelp, setHelp] = useState(false);
  const { segments, query } = useAddress();
  const isOffline = useStore(health).offlineSince !== null;
  const overview = useOverview().data;
  const product = overview && (overview.product_name ?? "RabbitMQ");
  useGlobalKeys(() => setHelp(true));
  useEffect(() => {
    if (product !== undefined) void askCapabilities(product === "HareMQ");
  }, [product]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>
        Skip to content
      </a>
      <div class="app">
        <Sidebar />
        <TopBar account={account} />
        <main class={`main${isFill(segments, query.tab) ? " fill" : ""}${isOffline ? " away" : ""}`} id="main" tabIndex={0}>
          <Banners />
          <CurrentPage />
        </main>
        <TabBar />
      </div>
      <Toasts />
      <Palette />
      {isHelp && <KeyHelp onClose={() => setHelp(false)} />}
    </>
  );
}

const LISTS = new Set(["queues", "streams", "super-streams", "exchanges", "connections", "channels", "consumers", "dead-letters", "policies", "vhosts", "users", "logs", "topology", "shovels", "federation", "limits", "feature-flags"]);

/** Whether the page fills the window and scrolls inside. */
function isFill(segments: readonly string[], tab: string | undefined): boolean {
  if (segments[0] === "super-streams") return true;
  if (segments[0] === "metrics") return tab !== "scrape";
  return segments.length === 1 ? LISTS.has(segments[0] ?? "") : tab === "messages" || tab === "tail";
}
