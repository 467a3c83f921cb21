import type { Cluster, QueueInDanger, Replica } from "../../api/cluster";
import type { Node } from "../../api/types";
import { many } from "../../format/many";

/** A metadata store that was not heard for so long is away. */
export const STORE_AWAY_MS = 10_000;

const DANGERS: Record<QueueInDanger["danger"], string> = {
  offline: "no leader",
  held: "holds publishers",
  at_min_isr: "at min_isr",
  under_replicated: "under-replicated",
};

/** The danger that a queue is in, as a state with a mark. */
export function dangerWord(danger: QueueInDanger["danger"]): string {
  return DANGERS[danger];
}

/** How a replica is, as a state with a mark. */
export function replicaState(replica: Replica): string {
  if (replica.damaged) return "damaged";
  if (!replica.online) return replica.other_disk ? "on a new disk" : "down";
  return replica.in_sync ? "in sync" : "catching up";
}

/** What is worst in a cluster, in one sentence; null is that all is well. */
export function clusterTrouble(cluster: Cluster): { look: "bad" | "warn"; text: string } | null {
  const queues = cluster.queues;
  if (cluster.frozen) return { look: "bad", text: `This node is frozen, because ${cluster.frozen}.` };
  if (cluster.store_heard_ms === null || (cluster.store_heard_ms ?? 0) >= STORE_AWAY_MS) {
    return { look: "bad", text: "The metadata store is away: what is led is served on, and nothing is declared or elected." };
  }
  if (queues === undefined) return null;
  if (queues.offline > 0) return { look: "bad", text: `${many(queues.offline, "queue")} ${queues.offline === 1 ? "has" : "have"} no leader.` };
  if (queues.held > 0) return { look: "bad", text: `${many(queues.held, "queue")} ${queues.held === 1 ? "holds its" : "hold their"} publishers: too few mirrors run.` };
  if (queues.at_min_isr > 0) return { look: "warn", text: `${many(queues.at_min_isr, "queue")} would stop ${queues.at_min_isr === 1 ? "its" : "their"} publishers if one more node went.` };
  if (queues.under_replicated > 0) return { look: "warn", text: `${many(queues.under_replicated, "queue")} ${queues.under_replicated === 1 ? "has" : "have"} fewer mirrors in sync than ${queues.under_replicated === 1 ? "it" : "they"} should.` };
  return null;
}

/** Whether this node knows the numbers of a node; of others it knows some fields only. */
export function hasNumbers(node: Node): boolean {
  return node.numbers_known !== false;
}

/** A node that runs and is in alarm blocks its publishers. */
export function stateOf(node: Node): string {
  if (!node.running) return "down";
  if (node.cluster_state === "draining" || node.cluster_state === "leaving") return node.cluster_state;
  if (node.mem_alarm || node.disk_free_alarm) return "blocked";
  return "running";
}
