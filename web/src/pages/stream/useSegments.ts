import { lookFrom } from "../../api/looks";
import { request } from "../../api/http";
import type { Queue } from "../../api/types";
import { useCapability } from "../../state/capabilities";
import { usePolled } from "../../state/polling";
import type { Segment } from "./segments";

const EVERY_MS = 5_000;

/**
 * The segments of a stream. A broker that tells only its ends has one segment, from its first message
 * on; undefined is not known.
 */
export function useSegments(queue: Queue): { segments: readonly Segment[] | undefined; areTold: boolean } {
  const areTold = useCapability("GET queues/{}/{}/segments");
  const canLook = useCapability("POST queues/{}/{}/stream");
  const key = `${encodeURIComponent(queue.vhost)}/${encodeURIComponent(queue.name)}`;
  const told = usePolled(areTold ? `segments ${key}` : null, (signal) => request<Segment[]>("GET", ["queues", queue.vhost, queue.name, "segments"], { signal }), EVERY_MS);
  const ends = usePolled(!areTold && canLook ? `ends ${key}` : null, (signal) => endsOf(queue, signal), EVERY_MS);
  return { segments: areTold ? told.data : ends.data, areTold };
}

async function endsOf(queue: Queue, signal: AbortSignal): Promise<Segment[]> {
  const told = await lookFrom("first", { vhost: queue.vhost, queue: queue.name, count: 1, truncate: 0, signal });
  const first = told.items[0];
  const offset = first?.offset ?? 0;
  const messages = told.total;
  return [
    {
      first_offset: offset,
      last_offset: offset + Math.max(0, messages - 1),
      messages,
      bytes: queue.message_bytes ?? 0,
      ...(first?.timestamp === undefined ? {} : { first_timestamp: first.timestamp }),
    },
  ];
}
