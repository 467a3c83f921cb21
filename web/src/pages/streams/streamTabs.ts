import type { Tab } from "../../components/Tabs";
import { href } from "../../route/router";

/** The two lists of streams; undefined where the broker tells no super streams. */
export function streamTabs(current: "streams" | "super-streams", isTold: boolean): readonly Tab[] {
  const tab = (id: typeof current, title: string): Tab => ({ title, href: href([id]), isCurrent: id === current });
  return isTold ? [tab("streams", "Streams"), tab("super-streams", "Super streams")] : [];
}
