import { request } from "../../api/http";
import type { Consumer, Queue } from "../../api/types";
import { useCapability } from "../../state/capabilities";
import { usePolled } from "../../state/polling";

/** Who reads a stream, and how far. */
export interface Reader {
  id: string;
  name: string;
  /** The place from which a link leads to the reader. */
  connection: string;
  /** The next offset to read; undefined where the broker does not tell. */
  offset: number | undefined;
  /** Messages between it and the end. */
  lag: number | undefined;
  protocol: "stream" | "AMQP";
  /** Whether it reads: `up`, `waiting`, `blocked`; undefined where the broker does not tell. */
  state?: string | undefined;
}

/** A reader as HareMQ tells it, by either protocol. */
interface Told {
  name: string;
  protocol: string;
  consumer_tag: string;
  channel_number: number;
  /** Null while it waits for its turn in a group. */
  offset: number | null;
  offset_lag: number | null;
  activity_status: string;
  connection_details: { name: string; user: string };
}

interface Subscription {
  subscription_id: number;
  offset: number;
  offset_lag: number;
  properties?: Record<string, unknown>;
  queue: { name: string; vhost: string };
  connection_details: { name: string; user: string };
}

/** The readers of a stream, by either protocol; the slowest first. */
export function useReaders(queue: Queue, names: ReadonlyMap<string, string>): Reader[] {
  const areTold = useCapability("GET stream/{}/{}/readers");
  const place = `${encodeURIComponent(queue.vhost)}/${encodeURIComponent(queue.name)}`;
  const readers = usePolled(areTold ? `readers ${place}` : null, (signal) => request<Told[]>("GET", ["stream", queue.vhost, queue.name, "readers"], { signal }));
  const isThere = useCapability("GET stream/consumers/{}") && !areTold;
  const told = usePolled(isThere ? `stream/consumers/${encodeURIComponent(queue.vhost)}` : null, (signal) =>
    request<Subscription[]>("GET", ["stream", "consumers", queue.vhost], { signal }),
  );
  const subscriptions = (told.data ?? []).filter((one) => one.queue.name === queue.name);
  if (areTold) return (readers.data ?? []).map((one) => readerOf(one, names)).sort(slowestFirst);
  return readersOf(queue.consumer_details ?? [], subscriptions, names);
}

export function readersOf(consumers: readonly Consumer[], subscriptions: readonly Subscription[], names: ReadonlyMap<string, string>): Reader[] {
  const ofStreams = subscriptions.map((one): Reader => ({
    id: `${one.connection_details.name} ${one.subscription_id}`,
    name: String(one.properties?.name ?? called(one.connection_details.name, one.connection_details.user, names)),
    connection: one.connection_details.name,
    offset: one.offset,
    lag: one.offset_lag,
    protocol: "stream",
  }));
  const ofAmqp = consumers
    .filter((one) => one.channel_details.name !== "")
    .map((one): Reader => ({
      id: `${one.channel_details.name} ${one.consumer_tag}`,
      name: called(one.channel_details.connection_name, one.channel_details.user ?? "", names),
      connection: one.channel_details.connection_name,
      offset: one.offset,
      lag: one.offset_lag,
      protocol: "AMQP",
    }));
  return [...ofStreams, ...ofAmqp].sort(slowestFirst);
}

export function readerOf(one: Told, names: ReadonlyMap<string, string>): Reader {
  const { name: connection, user } = one.connection_details;
  const isStream = one.protocol === "stream";
  return {
    id: `${connection} ${one.channel_number} ${one.consumer_tag}`,
    name: isStream && one.name !== "" ? one.name : called(connection, user, names),
    connection,
    offset: one.offset ?? undefined,
    lag: one.offset_lag ?? undefined,
    protocol: isStream ? "stream" : "AMQP",
    state: one.activity_status,
  };
}

function called(connection: string, user: string, names: ReadonlyMap<string, string>): string {
  return names.get(connection) ?? `${user}, ${connection.split(" ->")[0]}`;
}

function slowestFirst(one: Reader, other: Reader): number {
  return (other.lag ?? -1) - (one.lag ?? -1);
}
