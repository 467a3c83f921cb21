import { request } from "./http";
import type { Message } from "./types";

/** What became of messages that were to be deleted or moved (HareMQ's own). */
export interface TakenOut {
  done: number;
  messages: { place: string; result: "deleted" | "moved" | "gone" | "changed" | "refused" | "nowhere" }[];
}

/** Delete ready messages: each goes only while it is the one that was seen. */
export function deleteMessages(vhost: string, queue: string, messages: readonly Message[]): Promise<TakenOut> {
  return request("POST", ["queues", vhost, queue, "messages", "delete"], { body: { messages: namesOf(messages) } });
}

/** Move ready messages to another queue, or to `origin`: where each of them died first. */
export function moveMessages(vhost: string, queue: string, dest: string, messages: readonly Message[]): Promise<TakenOut> {
  return request("POST", ["queues", vhost, queue, "messages", "move"], { body: { dest, messages: namesOf(messages) } });
}

function namesOf(messages: readonly Message[]): { place: string; fingerprint: string }[] {
  return messages.map(({ place = "", fingerprint = "" }) => ({ place, fingerprint }));
}
