import { request } from "./http";
import type { Look, MessageFilter, Table } from "./types";

/** Where a look ended: the next one begins there. */
export type Onward = NonNullable<Look["next"]>;

export interface Wanted {
  vhost: string;
  queue: string;
  state?: "ready" | "unacked";
  filter?: MessageFilter | undefined;
  count?: number;
  /** Where the look before ended. */
  from?: Onward | null;
  /** How many octets of a body to send. */
  truncate?: number;
  signal?: AbortSignal;
}

const COUNT = 50;
const TRUNCATE = 50_000;

/** Look at messages of a queue from its head on. */
export function peek(wanted: Wanted): Promise<Look> {
  const body = { ...sizesOf(wanted), state: wanted.state ?? "ready", offset: wanted.from?.offset ?? 0, ...placeOf(wanted) };
  return request("POST", ["queues", wanted.vhost, wanted.queue, "peek"], { body, signal: wanted.signal });
}

/** Look at messages of a stream: `first`, `last`, `next`, an offset, an age such as `10m`, or a time. */
export function lookFrom(offset: string | number, wanted: Wanted): Promise<Look> {
  const body = { ...sizesOf(wanted), offset, ...placeOf(wanted) };
  return request("POST", ["queues", wanted.vhost, wanted.queue, "stream"], { body, signal: wanted.signal });
}

function sizesOf(wanted: Wanted): Table {
  return {
    count: wanted.count ?? COUNT,
    encoding: "auto",
    truncate: wanted.truncate ?? TRUNCATE,
    ...(wanted.filter === undefined ? {} : { filter: wanted.filter }),
  };
}

function placeOf(wanted: Wanted): Table {
  return wanted.from ? { place: wanted.from.place } : {};
}
