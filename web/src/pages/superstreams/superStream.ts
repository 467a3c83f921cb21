/** Where a group of readers is in a partition. */
export interface Position {
  group: string;
  /** The last offset that it stored; null is none. */
  stored_offset: number | null;
  /** What its reader gets next; null where nobody reads. */
  next_offset: number | null;
  /** Messages that it has still to get. */
  lag: number;
  readers: number;
  connection: string | null;
}

export interface Partition {
  name: string;
  order: number | null;
  routing_keys: readonly string[];
  bindings_count: number;
  leader: string;
  state: string;
  messages: number;
  first_offset: number;
  next_offset: number;
  size_bytes: number;
  segments_count: number;
  rate_in: number;
  rate_out: number;
  consumers: number;
  positions: readonly Position[];
}

/** The answer of `GET stream/super-streams/{}/{}`, HareMQ's own. */
export interface SuperStream {
  name: string;
  vhost: string;
  type: string;
  durable: boolean;
  groups: readonly string[];
  groups_left_out: number;
  partitions: readonly Partition[];
}

/** A row of `GET stream/super-streams`. */
export interface SuperStreamRow {
  name: string;
  vhost: string;
  type: string;
  partitions_count: number;
  messages: number;
  size_bytes: number;
  rate_in: number;
  rate_out: number;
  consumers: number;
}

/** A group over all partitions. */
export interface GroupSum {
  group: string;
  /** Messages that it has still to get, in all partitions that it knows. */
  lag: number;
  /** Partitions that somebody reads for it. */
  read: number;
  /** Partitions in which it has a place. */
  known: number;
}

export function groupSums(stream: SuperStream): GroupSum[] {
  return stream.groups.map((group) => {
    const positions = stream.partitions.flatMap((partition) => positionIn(partition, group) ?? []);
    return {
      group,
      lag: positions.reduce((sum, position) => sum + position.lag, 0),
      read: positions.filter((position) => position.connection !== null).length,
      known: positions.length,
    };
  });
}

export function positionIn(partition: Partition, group: string): Position | undefined {
  return partition.positions.find((position) => position.group === group);
}

/** What a group is called; clients need not say a name. */
export function groupTitle(group: string): string {
  return group === "" ? "without a name" : group;
}

/** A sum over the partitions. */
export function totalOf(stream: SuperStream, key: "messages" | "size_bytes" | "rate_in" | "rate_out" | "consumers" | "segments_count"): number {
  return stream.partitions.reduce((sum, partition) => sum + partition[key], 0);
}

/** How uneven the partitions are: the longest beside what each would have if all had the same. */
export function skewOf(stream: SuperStream): { name: string; times: number } | null {
  const total = totalOf(stream, "messages");
  const longest = [...stream.partitions].sort((one, other) => other.messages - one.messages)[0];
  if (longest === undefined || total === 0 || stream.partitions.length < 2) return null;
  return { name: longest.name, times: longest.messages / (total / stream.partitions.length) };
}

/** Behind by more than this a group wants a look. */
export const BEHIND_MANY = 1_000;

/** A cell of the matrix in words. */
export function positionText(position: Position): string {
  const stored = position.stored_offset === null ? "no offset is stored" : `stored offset ${position.stored_offset}`;
  const reads = position.connection === null ? (position.readers > 0 ? "nobody reads now, and waits for its turn" : "nobody reads") : `${position.connection} reads ${position.next_offset ?? 0} next`;
  return `${stored}; ${reads}`;
}
