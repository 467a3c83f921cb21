import { request } from "./http";

/** A member of the cluster, as the node that answers knows it. */
export interface Member {
  name: string;
  running: boolean;
  /** `active`, `draining` or `leaving`. */
  state: string;
  address: string;
  zone: string;
  version: string;
  feature_level: number;
  leaders: number;
  replicas: number;
  /** For how long it has not run, in ms. */
  gone_ms: number | null;
  /** Of the link to it; null is the node itself. */
  connected: boolean | null;
  /** Records that are not on its disk. */
  lag: number | null;
  heard_ms: number | null;
}

/** Mirrored queues by the danger that they are in; one counts in each. */
export interface Census {
  mirrored: number;
  offline: number;
  held: number;
  at_min_isr: number;
  under_replicated: number;
}

/** The cluster (`GET cluster`, HareMQ's own); a node that is in none has the first fields only. */
export interface Cluster {
  clustered: boolean;
  name: string;
  node: string;
  nodes: Member[];
  controller?: string | null;
  store?: string;
  store_heard_ms?: number | null;
  lease_left_ms?: number | null;
  frozen?: string | null;
  feature_level?: number;
  feature_level_next?: number;
  elections?: number;
  promotions?: number;
  moves_left?: number;
  queues?: Census;
}

export interface Replica {
  node: string;
  in_sync: boolean;
  online: boolean;
  lag: number | null;
  /** A member whose node runs with another disk: this replica never comes back. */
  other_disk: boolean;
  /** Some of it cannot be read, as its own node says of itself. */
  damaged: boolean;
}

/** A mirrored queue that is not as safe as it should be (`GET cluster/queues`). */
export interface QueueInDanger {
  name: string;
  /** Behind which its messages wait; null: it is a queue that clients can name. */
  exchange: string | null;
  vhost: string;
  type: string;
  state: string;
  danger: "offline" | "held" | "at_min_isr" | "under_replicated";
  leader: string;
  epoch: number;
  min_isr: number;
  in_sync: string[];
  replicas: Replica[];
  clean: boolean;
}

/** What it would mean that a replica leads which is not in sync. */
export interface Promotion {
  node: string;
  possible: boolean;
  refusal: string;
  loss: string;
  /** What speaks against this replica: it is damaged, was emptied, or is behind another one. */
  warnings: string[];
  members: string[];
  /** It leads already, and gives up alone what it cannot read. */
  leads: boolean;
}

export interface Harm {
  node: string;
  safe: boolean;
  count: number;
}

export function setDrained(node: string, isDrained: boolean): Promise<void> {
  return request("PUT", ["nodes", node, isDrained ? "drain" : "undrain"]);
}

export function forgetNode(node: string): Promise<void> {
  return request("DELETE", ["nodes", node]);
}

export function harmWithout(node: string): Promise<Harm> {
  return request("GET", ["nodes", node, "upgrade-check"]);
}

export function rebalance(): Promise<{ moves: number }> {
  return request("POST", ["cluster", "rebalance"], { body: {} });
}

export function finalize(): Promise<{ feature_level: number }> {
  return request("POST", ["cluster", "feature-level"]);
}

/** Have another member lead; empty is any. */
export function moveLeader(vhost: string, queue: string, node: string): Promise<{ leader: string }> {
  return request("POST", ["queues", vhost, queue, "leader"], { body: node === "" ? {} : { node } });
}

export function addReplica(vhost: string, queue: string, node: string): Promise<void> {
  return request("PUT", ["queues", vhost, queue, "replicas", node]);
}

export function removeReplica(vhost: string, queue: string, node: string): Promise<void> {
  return request("DELETE", ["queues", vhost, queue, "replicas", node]);
}

export function askPromotion(vhost: string, queue: string, node: string): Promise<Promotion> {
  return request("GET", ["queues", vhost, queue, "promotion", node]);
}

export function promote(vhost: string, queue: string, node: string): Promise<{ epoch: number }> {
  return request("POST", ["queues", vhost, queue, "promotion", node], { body: { accept_data_loss: true } });
}
