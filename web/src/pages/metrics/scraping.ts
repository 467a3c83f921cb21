import type { Listener } from "../../api/types";

const PROTOCOL = "http/prometheus";
const EVERYWHERE = new Set(["0.0.0.0", "::", "[::]"]);

/** Where metrics are served: addresses that others can use, as far as is known. */
export interface Endpoint {
  node: string;
  /** Host and port, as `prometheus.yml` names it. */
  target: string;
  scheme: "http" | "https";
  /** Only this host is served. */
  isLocal: boolean;
}

/**
 * The endpoints of the nodes.
 *
 * @param host What the browser calls the broker: the name of a listener on all addresses.
 */
export function endpointsOf(listeners: readonly Listener[], host: string): Endpoint[] {
  return listeners
    .filter((listener) => listener.protocol.startsWith(PROTOCOL) || listener.protocol === "https/prometheus")
    .map((listener) => {
      const address = EVERYWHERE.has(listener.ip_address) ? host : listener.ip_address;
      return {
        node: listener.node,
        target: `${address.includes(":") && !address.startsWith("[") ? `[${address}]` : address}:${listener.port}`,
        scheme: listener.tls || listener.protocol.startsWith("https") ? ("https" as const) : ("http" as const),
        isLocal: /^(127\.|::1$|\[::1\]$|localhost$)/.test(listener.ip_address),
      };
    });
}

/** A job for `prometheus.yml`. */
export function scrapeConfig(endpoints: readonly Endpoint[], cluster: string): string {
  const scheme = endpoints[0]?.scheme ?? "http";
  return [
    "scrape_configs:",
    "  - job_name: haremq",
    "    scrape_interval: 15s",
    ...(scheme === "https" ? ["    scheme: https"] : []),
    "    static_configs:",
    `      - targets: [${endpoints.map((endpoint) => JSON.stringify(endpoint.target)).join(", ")}]`,
    `        labels: {cluster: ${JSON.stringify(cluster)}}`,
  ].join("\n");
}

export const PATHS = [
  { path: "/metrics", what: "The node, and all queues, channels and connections together. Its size does not depend on their number." },
  { path: "/metrics/per-object", what: "Each queue, channel, connection and exchange." },
  { path: "/metrics/detailed?family=queue_coarse_metrics", what: "Chosen families, of chosen virtual hosts and queues." },
  { path: "/metrics/memory-breakdown", what: "Where the memory is." },
] as const;

export const ALERTS = [
  { when: "Publishers are blocked", rule: "rabbitmq_alarms_memory_used_watermark == 1 or rabbitmq_alarms_free_disk_space_watermark == 1" },
  { when: "Memory comes near to that", rule: "rabbitmq_process_resident_memory_bytes / rabbitmq_resident_memory_limit_bytes > 0.8" },
  { when: "The disk comes near to that", rule: "rabbitmq_disk_space_available_bytes / rabbitmq_disk_space_available_limit_bytes < 2" },
  { when: "Messages reach no queue", rule: "rate(rabbitmq_global_messages_unroutable_dropped_total[5m]) > 0" },
  { when: "A queue has no consumer", rule: "rabbitmq_detailed_queue_messages > 0 and rabbitmq_detailed_queue_consumers == 0" },
  { when: "A queue grows", rule: "deriv(rabbitmq_detailed_queue_messages[15m]) > 10" },
  { when: "Logins are refused", rule: "rate(rabbitmq_auth_attempts_failed_total[5m]) > 1" },
] as const;
