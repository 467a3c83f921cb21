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
  const isThere = useCapability("GET stream/consumers/{}");
  const told = usePolled(isThere ? `stream/consumers/${encodeURIComponent(queue.vhost)}` : null, (signal) =>
    request<Subscription[]>("GET", ["stream", "consumers", queue.vhost], { signal }),
  );
  const subscriptions = (told.data ?? []).filter((one) => one.queue.name === queue.name);
  return readersOf(queue.consumer_details ?? [], subscriptions, names);
}

export function readersOf(consumers: readonly Consumer[], subscriptions: readonly Subscription[], names: ReadonlyMap<string, string>): Reader[] {
  const called = (connection: string, user: string): string => names.get(connection) ?? `${user}, ${connection.split(" ->")[0]}`;
  const ofStreams = subscriptions.map((one): Reader => ({
    id: `${one.connection_details.name} ${one.subscription_id}`,
    name: String(one.properties?.name ?? called(one.connection_details.name, one.connection_details.user)),
    connection: one.connection_details.name,
    offset: one.offset,
    lag: one.offset_lag,
    protocol: "stream",
  }));
  const ofAmqp = consumers
    .filter((one) => one.channel_details.name !== "")
    .map((one): Reader => ({
      id: `${one.channel_details.name} ${one.consumer_tag}`,
      name: called(one.channel_details.connection_name, one.channel_details.user ?? ""),
      connection: one.channel_details.connection_name,
      offset: one.offset,
      lag: one.offset_lag,
      protocol: "AMQP",
    }));
  return [...ofStreams, ...ofAmqp].sort((one, other) => (other.lag ?? -1) - (one.lag ?? -1));
}
