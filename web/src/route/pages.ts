import type { ComponentType } from "preact";
import { OverviewPage } from "../pages/overview/OverviewPage";

type Load = () => Promise<ComponentType>;

/** Pages by the first segment of their address. All but the overview are loaded when first opened. */
const LOADERS: Record<string, Load> = {
  "": () => Promise.resolve(OverviewPage),
  queues: async () => (await import("../pages/queues/QueuesRoute")).QueuesRoute,
  exchanges: async () => (await import("../pages/exchanges/ExchangesRoute")).ExchangesRoute,
  connections: async () => (await import("../pages/connections/ConnectionsPage")).ConnectionsPage,
  channels: async () => (await import("../pages/channels/ChannelsPage")).ChannelsPage,
  consumers: async () => (await import("../pages/consumers/ConsumersPage")).ConsumersPage,
  streams: async () => (await import("../pages/streams/StreamsRoute")).StreamsRoute,
  "super-streams": async () => (await import("../pages/superstreams/SuperStreamsRoute")).SuperStreamsRoute,
  policies: async () => (await import("../pages/policies/PoliciesPage")).PoliciesPage,
  vhosts: async () => (await import("../pages/vhosts/VhostsPage")).VhostsPage,
  users: async () => (await import("../pages/users/UsersPage")).UsersPage,
  definitions: async () => (await import("../pages/definitions/DefinitionsPage")).DefinitionsPage,
  nodes: async () => (await import("../pages/nodes/NodesPage")).NodesPage,
  topology: async () => (await import("../pages/topology/TopologyPage")).TopologyPage,
  "dead-letters": async () => (await import("../pages/deadletters/DeadLettersPage")).DeadLettersPage,
  shovels: async () => (await import("../pages/shovels/ShovelsPage")).ShovelsPage,
  federation: async () => (await import("../pages/federation/FederationPage")).FederationPage,
  limits: async () => (await import("../pages/limits/LimitsPage")).LimitsPage,
  metrics: async () => (await import("../pages/metrics/MetricsPage")).MetricsPage,
  "feature-flags": async () => (await import("../pages/featureflags/FeatureFlagsPage")).FeatureFlagsPage,
  logs: async () => (await import("../pages/logs/LogsPage")).LogsPage,
};

/** How to get the page; undefined is no page of ours. */
export function loaderOf(first: string): Load | undefined {
  return Object.hasOwn(LOADERS, first) ? LOADERS[first] : undefined;
}
