import { useRef } from "preact/hooks";
import { lookFrom } from "../../api/looks";
import { request } from "../../api/http";
import type { Queue } from "../../api/types";
import { useCapability } from "../../state/capabilities";
import { usePolled } from "../../state/polling";
import { joinedWith, segmentsOf, type Segment, type ToldSegments } from "./segments";

const EVERY_MS = 5_000;
const READS_MAX = 20;

/**
 * The segments of a stream. A broker that tells only its ends has one segment, from its first message
 * on; undefined is not known.
 */
export function useSegments(queue: Queue): { segments: readonly Segment[] | undefined; areTold: boolean } {
  const areTold = useCapability("GET stream/{}/{}/segments");
  const canLook = useCapability("POST queues/{}/{}/stream");
  const held = useRef<readonly Segment[]>([]);
  const key = `${encodeURIComponent(queue.vhost)}/${encodeURIComponent(queue.name)}`;
  const told = usePolled(areTold ? `segments ${key}` : null, async (signal) => (held.current = await readFrom(held.current, queue, signal)), EVERY_MS);
  const ends = usePolled(!areTold && canLook ? `ends ${key}` : null, (signal) => endsOf(queue, signal), EVERY_MS);
  return { segments: areTold ? told.data : ends.data, areTold };
}

/** What is known, brought up to date: only the segments from the last known one on are asked for. */
async function readFrom(held: readonly Segment[], queue: Queue, signal: AbortSignal): Promise<readonly Segment[]> {
  let known = held;
  let offset: number | null = held.at(-1)?.first_offset ?? 0;
  for (let reads = 0; offset !== null && reads < READS_MAX; reads += 1) {
    const told: ToldSegments = await request("GET", ["stream", queue.vhost, queue.name, "segments"], { query: { offset }, signal });
    known = joinedWith(known, told.first_offset, segmentsOf(told));
    offset = told.next;
  }
  return known;
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
      bytes: queue.message_bytes ?? 0,
      ...(first?.timestamp === undefined ? {} : { first_timestamp: first.timestamp }),
    },
  ];
}
