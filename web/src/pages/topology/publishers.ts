import { familyOf } from "../../api/clients";
import type { Publisher } from "./facts";

/** Channels that publish, of one program or of one user. */
export interface PublisherGroup {
  name: string;
  channels: number;
  connections: readonly string[];
  /** Messages a second, by the exchange. */
  rates: ReadonlyMap<string, number>;
  rate: number;
}

/** So many boxes are drawn. */
export const PUBLISHERS_MAX = 40;

/** More programs than this are put together by their users. */
const PROGRAMS_MAX = 24;

/** Who publishes, by what programs call themselves; by user where there are too many of them. The busiest come first. */
export function publisherGroups(publishers: readonly Publisher[], nameOf: (publisher: Publisher) => string): PublisherGroup[] {
  const byProgram = grouped(publishers, (publisher) => familyOf(nameOf(publisher)));
  return byProgram.length > PROGRAMS_MAX ? grouped(publishers, (publisher) => `user ${publisher.user}`) : byProgram;
}

function grouped(publishers: readonly Publisher[], keyOf: (publisher: Publisher) => string): PublisherGroup[] {
  const groups = new Map<string, { channels: Set<string>; connections: Set<string>; rates: Map<string, number> }>();
  for (const publisher of publishers) {
    const name = keyOf(publisher);
    const group = groups.get(name) ?? { channels: new Set(), connections: new Set(), rates: new Map() };
    group.channels.add(`${publisher.connection} ${publisher.channel}`);
    group.connections.add(publisher.connection);
    group.rates.set(publisher.exchange, (group.rates.get(publisher.exchange) ?? 0) + publisher.rate);
    groups.set(name, group);
  }
  return [...groups]
    .map(([name, group]) => ({ name, channels: group.channels.size, connections: [...group.connections], rates: group.rates, rate: [...group.rates.values()].reduce((sum, rate) => sum + rate, 0) }))
    .sort((one, other) => other.rate - one.rate || one.name.localeCompare(other.name));
}
