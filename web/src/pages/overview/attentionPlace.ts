import type { Attention } from "../../api/attention";
import { formatAddress } from "../../route/address";
import { places } from "../../route/places";

/** The tab of a queue in which a rule is seen, or what it is about is changed. */
const QUEUE_TABS: Record<string, string> = {
  no_acks: "consumers",
  unacked_for_long: "consumers",
  grows: "consumers",
  no_consumer: "consumers",
  full_refuses: "settings",
  full_drops: "settings",
  full_dead_letters: "settings",
  no_retention: "settings",
};

/** The page on which one goes on with what needs a hand. */
export function placeOf({ kind, vhost = "/", name, rule }: Attention): string {
  switch (kind) {
    case "exchange":
      return places.exchange(vhost, name, { tab: rule === "unroutable" ? "bindings" : undefined });
    case "connection":
      return places.connection(name);
    case "vhost":
      return places.vhost(name);
    case "node":
      return rule === "refused_logins" ? formatAddress(["logs"]) : places.node(name);
    default:
      return places.queue(vhost, name, { tab: rule === undefined ? undefined : QUEUE_TABS[rule] });
  }
}
