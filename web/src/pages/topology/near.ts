import type { NetFacts } from "./facts";
import type { Picture } from "./layout";

/** Exchanges and queues whose names hold a text, and what is one way away from them. */
export function nearOf(facts: NetFacts, picture: Picture, text: string): NetFacts {
  const low = text.toLowerCase();
  const found = new Set(picture.boxes.filter((box) => box.name.toLowerCase().includes(low)).map((box) => box.id));
  const near = new Set(found);
  for (const edge of picture.edges) {
    if (found.has(edge.from)) near.add(edge.to);
    if (found.has(edge.to)) near.add(edge.from);
  }
  const exchanges = facts.exchanges.filter((exchange) => near.has(`exchange ${exchange.name}`));
  const queues = facts.queues.filter((queue) => near.has(`queue ${queue.name}`) || near.has(`consumer ${queue.name}`));
  const kept = new Set([...exchanges.map((exchange) => `exchange ${exchange.name}`), ...queues.map((queue) => `queue ${queue.name}`)]);
  return {
    ...facts,
    exchanges,
    queues,
    bindings: facts.bindings.filter((binding) => kept.has(`exchange ${binding.source}`) && kept.has(`${binding.destination_type} ${binding.destination}`)),
    ...(facts.publishers === undefined ? {} : { publishers: facts.publishers.filter((publisher) => kept.has(`exchange ${publisher.exchange}`)) }),
    consumers: facts.consumers.filter((consumer) => kept.has(`queue ${consumer.queue.name}`)),
    leftOut: facts.leftOut + facts.exchanges.length - exchanges.length + facts.queues.length - queues.length,
  };
}
