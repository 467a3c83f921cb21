import type { Binding, Queue } from "../../api/types";
import { policyOf } from "../queues/features";

/** A queue that dead letters end in. */
export interface Target {
  queue: Queue;
  /** Queues whose dead letters may come here. */
  from: readonly string[];
}

/**
 * The queues that get dead letters: those behind a dead-letter exchange, by its bindings, or by their
 * name where it is the default exchange. Which key a letter will have is not known before, so that a
 * queue counts when any of its bindings leads to it.
 */
export function targetsOf(queues: readonly Queue[], bindings: readonly Binding[]): Target[] {
  const sources = new Map<string, Set<string>>();
  const add = (vhost: string, name: string, from: string): void => {
    const key = `${vhost} ${name}`;
    sources.set(key, (sources.get(key) ?? new Set()).add(from));
  };
  for (const queue of queues) {
    const policy = policyOf(queue);
    const exchange = queue.arguments["x-dead-letter-exchange"] ?? policy["dead-letter-exchange"];
    const key = queue.arguments["x-dead-letter-routing-key"] ?? policy["dead-letter-routing-key"];
    if (typeof exchange !== "string") continue;
    if (exchange === "") {
      if (typeof key === "string") add(queue.vhost, key, queue.name);
      continue;
    }
    for (const name of reached(queue.vhost, exchange, bindings)) add(queue.vhost, name, queue.name);
  }
  return queues.flatMap((queue) => {
    const from = sources.get(`${queue.vhost} ${queue.name}`);
    return from === undefined ? [] : [{ queue, from: [...from].sort() }];
  });
}

/** The queues behind an exchange, through others too. */
function reached(vhost: string, exchange: string, bindings: readonly Binding[]): Set<string> {
  const found = new Set<string>();
  const seen = new Set<string>();
  const pending = [exchange];
  while (pending.length > 0) {
    const source = pending.pop() as string;
    if (seen.has(source)) continue;
    seen.add(source);
    for (const binding of bindings) {
      if (binding.vhost !== vhost || binding.source !== source) continue;
      if (binding.destination_type === "queue") found.add(binding.destination);
      else pending.push(binding.destination);
    }
  }
  return found;
}
