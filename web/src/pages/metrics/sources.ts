import { addressOf, requestText, type TextAnswer } from "../../api/http";

/** What is asked for: all together, where the memory is, or one family for each thing. */
export interface Source {
  id: string;
  title: string;
  /** It has a series for each queue, exchange or connection. */
  isEach: boolean;
  /** Queues can be chosen by a pattern. */
  hasQueues: boolean;
}

const each = (id: string, title: string, hasQueues = false): Source => ({ id, title, isEach: true, hasQueues });

/** With ten thousand queues, each family for each queue is megabytes: they are asked for one by one, by choice. */
export const SOURCES: readonly Source[] = [
  { id: "", title: "All together", isEach: false, hasQueues: false },
  { id: "memory-breakdown", title: "Where the memory is", isEach: false, hasQueues: false },
  each("queue_coarse_metrics", "Each queue: messages", true),
  each("queue_metrics", "Each queue: bytes, memory, consumers", true),
  each("queue_delivery_metrics", "Each queue: deliveries", true),
  each("channel_queue_exchange_metrics", "Each queue: what was published to it", true),
  each("exchange_metrics", "Each exchange: what passed it"),
  each("exchange_bindings", "Each exchange: bindings"),
  each("connection_coarse_metrics", "Each connection: octets"),
  each("connection_metrics", "Each connection: packets and channels"),
  each("channel_metrics", "Each channel: consumers, unacked"),
  each("channel_exchange_metrics", "Each channel: what it published"),
  each("channel_queue_metrics", "Each channel: what it got"),
  each("stream_consumer_metrics", "Each stream: how far readers are behind"),
  each("vhost_status", "Each virtual host: whether it runs"),
];

export const BYTES_MAX = 4 * 1024 * 1024;
export const EVERY_MS = { together: 5_000, each: 15_000 } as const;

export function sourceOf(id: string | undefined): Source {
  return SOURCES.find((source) => source.id === id) ?? (SOURCES[0] as Source);
}

/** The address of a source, of the API that this page is logged in to. */
export function addressOfSource(source: Source, vhost: string, pattern: string): string {
  if (!source.isEach) return addressOf(source.id === "" ? ["metrics"] : ["metrics", source.id]);
  return addressOf(["metrics", "detailed"], {
    family: source.id,
    vhost: vhost === "" ? undefined : vhost,
    queue: source.hasQueues && pattern !== "" ? pattern : undefined,
  });
}

export function readSource(address: string, signal: AbortSignal): Promise<TextAnswer> {
  return requestText(address, BYTES_MAX, signal);
}
