import { request } from "./http";
import type { MessageFilter } from "./types";

/** Messages that go from a queue to another, piece by piece (HareMQ's own). */
export interface Job {
  id: number;
  /** That carries it out: the one that leads the source. */
  node?: string;
  vhost: string;
  source: string;
  /** A queue, or `origin`: each message goes to where it died first. */
  dest: string;
  /** The messages stay in the source too. */
  copy: boolean;
  user: string;
  state: "running" | "paused" | "done" | "failed" | "cancelled";
  /** Messages to go through; `moved` and `skipped` are those that it has gone through. */
  total: number;
  moved: number;
  skipped: number;
  /** Part of `skipped`: they do not match the filter, and keep their places. */
  unmatched?: number;
  /** How many it goes through in a second at most; without it, as many as it can. */
  rate?: number;
  /** Milliseconds since 1970. */
  started_at: number;
  error?: string;
}

export interface Move {
  dest: string;
  /** How many to go through; without it, all that are ready now. */
  count?: number | undefined;
  copy?: boolean;
  /** Which of them; without it, all. */
  filter?: MessageFilter | undefined;
  /** How many in a second, at most. */
  rate?: number | undefined;
}

export const ORIGIN = "origin";

export function beginMove(vhost: string, queue: string, move: Move): Promise<Job> {
  return request("POST", ["queues", vhost, queue, "move"], { body: move });
}

/** Have a job stand still before its next piece, or go on. */
export function pauseJob(id: number, isOn: boolean): Promise<Job> {
  return request("PUT", ["jobs", String(id), isOn ? "pause" : "resume"]);
}

/** End a job before its next piece: what it has moved stays moved. */
export function stopJob(id: number): Promise<void> {
  return request("DELETE", ["jobs", String(id)]);
}
