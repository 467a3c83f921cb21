import type { IconName } from "../components/icons";
import type { Overview } from "../api/types";
import type { Rights } from "../state/rights";

/** A line of the sidebar. */
export interface Entry {
  title: string;
  icon: IconName;
  segments: readonly string[];
  query?: Record<string, string>;
  /** The key after `g`. */
  key?: string;
  /** Other first segments that belong to it. */
  also?: readonly string[];
  count?: (overview: Overview | undefined) => number | undefined;
  isFor?: (rights: Rights) => boolean;
}

export interface Group {
  title: string;
  entries: readonly Entry[];
}

/** The sidebar, in groups. */
export const NAVIGATION: readonly Group[] = [
  {
    title: "",
    entries: [
      { title: "Overview", icon: "overview", segments: [], key: "o" },
      { title: "Topology", icon: "topology", segments: ["topology"], key: "t" },
    ],
  },
  {
    title: "Messages",
    entries: [
      { title: "Queues", icon: "queue", segments: ["queues"], key: "q", count: (o) => o?.object_totals?.queues },
      { title: "Streams", icon: "stream", segments: ["streams"], also: ["super-streams"], key: "s" },
      { title: "Exchanges", icon: "exchange", segments: ["exchanges"], key: "x", count: (o) => o?.object_totals?.exchanges },
      { title: "Dead letters", icon: "dead", segments: ["dead-letters"], key: "d" },
    ],
  },
  {
    title: "Clients",
    entries: [
      { title: "Connections", icon: "conn", segments: ["connections"], key: "c", count: (o) => o?.object_totals?.connections },
      { title: "Channels", icon: "channel", segments: ["channels"], count: (o) => o?.object_totals?.channels },
      { title: "Consumers", icon: "consumer", segments: ["consumers"], count: (o) => o?.object_totals?.consumers },
    ],
  },
  {
    title: "Rules",
    entries: [
      { title: "Policies", icon: "policy", segments: ["policies"], isFor: (rights) => rights.setsPolicies || rights.seesAll },
      { title: "Virtual hosts", icon: "vhost", segments: ["vhosts"] },
      { title: "Users and rights", icon: "users", segments: ["users"], isFor: (rights) => rights.isAdministrator },
      { title: "Limits", icon: "lock", segments: ["limits"] },
      { title: "Definitions", icon: "defs", segments: ["definitions"], isFor: (rights) => rights.isAdministrator },
    ],
  },
  {
    title: "Cluster",
    entries: [
      { title: "Nodes", icon: "node", segments: ["nodes"], key: "n", isFor: (rights) => rights.seesAll },
      { title: "Shovels", icon: "shovel", segments: ["shovels"], isFor: (rights) => rights.seesAll || rights.setsPolicies },
      { title: "Federation", icon: "federation", segments: ["federation"], isFor: (rights) => rights.seesAll },
      { title: "Feature flags", icon: "flag", segments: ["feature-flags"], isFor: (rights) => rights.isAdministrator },
      { title: "Metrics", icon: "metrics", segments: ["metrics"], isFor: (rights) => rights.seesAll },
      { title: "Logs", icon: "logs", segments: ["logs"], isFor: (rights) => rights.isAdministrator },
    ],
  },
];
