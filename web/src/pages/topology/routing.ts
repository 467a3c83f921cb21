import type { Binding, Exchange } from "../../api/types";
import { judge, type Probe } from "./matching";

/** A queue that gets the message, or a binding that does not take it. */
export interface Arrival {
  name: string;
  /** How it came there, or why not. */
  why: string;
}

export interface Route {
  arrivals: readonly Arrival[];
  misses: readonly Arrival[];
  /** Exchanges and queues on the way, as `exchange name` and `queue name`. */
  lit: ReadonlySet<string>;
  /** How many exchanges it passed at most. */
  hops: number;
}

const HOPS_MAX = 32;

/** Where a message would go from an exchange: nothing is sent. */
export function routeOf(start: string, probe: Probe, exchanges: readonly Exchange[], bindings: readonly Binding[]): Route {
  const byName = new Map(exchanges.map((exchange) => [exchange.name, exchange]));
  const bySource = new Map<string, Binding[]>();
  for (const binding of bindings) bySource.set(binding.source, [...(bySource.get(binding.source) ?? []), binding]);
  const arrivals = new Map<string, string>();
  const misses = new Map<string, string>();
  const lit = new Set<string>();
  let hops = 0;
  const pending: { name: string; way: string; depth: number }[] = [{ name: start, way: "", depth: 1 }];
  while (pending.length > 0) {
    const { name, way, depth } = pending.shift() as { name: string; way: string; depth: number };
    const exchange = byName.get(name);
    if (exchange === undefined || lit.has(`exchange ${name}`) || depth > HOPS_MAX) continue;
    lit.add(`exchange ${name}`);
    hops = Math.max(hops, depth);
    let isTaken = false;
    for (const binding of bySource.get(name) ?? []) {
      const told = judge(name === "" ? "direct" : exchange.type, binding, probe);
      const words = `${way}${binding.routing_key === "" ? "" : `${binding.routing_key} `}${told.why}`;
      if (!told.isMatch) {
        misses.set(`${binding.destination_type} ${binding.destination} ${binding.properties_key}`, words);
        continue;
      }
      isTaken = true;
      if (binding.destination_type === "queue") arrivals.set(binding.destination, words);
      else pending.push({ name: binding.destination, way: `through ${binding.destination}: `, depth: depth + 1 });
    }
    const alternate = exchange.arguments["alternate-exchange"];
    if (!isTaken && typeof alternate === "string") pending.push({ name: alternate, way: `through alternate ${alternate}: `, depth: depth + 1 });
  }
  for (const queue of arrivals.keys()) lit.add(`queue ${queue}`);
  return {
    arrivals: [...arrivals].map(([name, why]) => ({ name, why })),
    misses: [...misses].map(([key, why]) => ({ name: key.split(" ")[1] ?? key, why })).filter((miss) => !arrivals.has(miss.name)),
    lit,
    hops,
  };
}
