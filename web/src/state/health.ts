import { Store } from "./store";

/** Whether the broker answers. */
export interface Health {
  /** When it last answered, in milliseconds; 0 is never. */
  answeredAt: number;
  /** Since when it does not answer; null while it does. */
  offlineSince: number | null;
  /** When it is asked again; null while it answers. */
  retryAt: number | null;
  /** Cause, in the words of whoever knew it. */
  cause: string;
}

const STALE_AFTER_MS = 12_000;
const RETRY_MS_FIRST = 2_000;
const RETRY_MS_MAX = 30_000;

export const health = new Store<Health>({ answeredAt: 0, offlineSince: null, retryAt: null, cause: "" });

let retryMs = RETRY_MS_FIRST;

/** The broker answered, be it with an error of its own. */
export function markAnswer(at: number): void {
  retryMs = RETRY_MS_FIRST;
  health.set({ answeredAt: at, offlineSince: null, retryAt: null, cause: "" });
}

/** The broker did not answer; the next try comes later and later. */
export function markSilence(at: number, cause: string): void {
  const known = health.get();
  if (known.retryAt !== null && at < known.retryAt) return;
  health.set({ ...known, offlineSince: known.offlineSince ?? at, retryAt: at + retryMs, cause });
  retryMs = Math.min(RETRY_MS_MAX, retryMs * 2);
}

/** Whether what is shown is older than two polls and a little. */
export function isStale(known: Health, at: number): boolean {
  return known.answeredAt !== 0 && at - known.answeredAt > STALE_AFTER_MS;
}
