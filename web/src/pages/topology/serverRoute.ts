import { request } from "../../api/http";
import type { Binding, Exchange } from "../../api/types";
import { judge, type Probe } from "./matching";
import type { Arrival, Route } from "./routing";

interface Way {
  how: string;
  source: string;
  destination: string;
  destination_type: "queue" | "exchange";
  routing_key?: string;
  arguments?: Binding["arguments"];
  properties_key?: string;
}

/** The answer of `POST exchanges/{}/{}/route`, HareMQ's own. */
export interface ToldRoute {
  queues: { name: string; by_chance: boolean; path: Way[] }[];
  misses: (Binding & { reason: string })[];
  exchanges: { name: string }[];
}

/** Ask the broker where a message would go; nothing is published or counted. */
export function askRoute(vhost: string, exchange: string, probe: Probe, signal: AbortSignal): Promise<ToldRoute> {
  const body = { routing_key: probe.routingKey, headers: probe.headers };
  return request("POST", ["exchanges", vhost, exchange === "" ? "amq.default" : exchange, "route"], { body, signal });
}

/** The broker's answer in the words of the panel. */
export function routeFrom(told: ToldRoute, probe: Probe, exchanges: readonly Exchange[]): Route {
  const types = new Map(exchanges.map((exchange) => [exchange.name, exchange.type]));
  const lit = new Set(told.exchanges.map((exchange) => `exchange ${exchange.name}`));
  for (const queue of told.queues) lit.add(`queue ${queue.name}`);
  return {
    arrivals: told.queues.map((queue): Arrival => ({ name: queue.name, why: whyOf(queue.path, probe, types) + (queue.by_chance ? ", one of several by chance" : "") })),
    misses: told.misses.map((miss) => ({ name: miss.destination, why: `${miss.routing_key} ${miss.reason}`.trim() })),
    lit,
    hops: Math.max(0, ...told.queues.map((queue) => queue.path.length)),
  };
}

function whyOf(path: readonly Way[], probe: Probe, types: ReadonlyMap<string, string>): string {
  const last = path.at(-1);
  const through = path.slice(0, -1).map((way) => way.destination);
  const way = through.length === 0 ? "" : `through ${through.join(", ")}: `;
  if (last === undefined) return way;
  const key = last.routing_key ? `${last.routing_key} ` : "";
  const type = types.get(last.source);
  if (last.how !== "binding" || type === undefined) return `${way}${key}${last.how}`;
  const binding: Binding = { source: last.source, vhost: "", destination: last.destination, destination_type: last.destination_type, routing_key: last.routing_key ?? "", arguments: last.arguments ?? {}, properties_key: "" };
  const judged = judge(last.source === "" ? "direct" : type, binding, probe);
  return `${way}${key}${judged.isMatch ? judged.why : ""}`.trim();
}
