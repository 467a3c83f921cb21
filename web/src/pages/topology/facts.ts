import { ApiError, request } from "../../api/http";
import type { Binding, Consumer, Exchange, Queue } from "../../api/types";
import { QUEUE_FIELDS } from "../queues/queueColumns";

/** What a picture of a virtual host is drawn from. */
export interface NetFacts {
  exchanges: readonly Exchange[];
  queues: readonly Queue[];
  bindings: readonly Binding[];
  consumers: readonly Consumer[];
  /** Channels with the exchanges that they publish to; undefined where the broker does not tell. */
  publishers?: readonly Publisher[];
  /** Queues, exchanges, consumers and publishers that the broker left out of its answer. */
  leftOut: number;
}

/** A channel that publishes to an exchange. */
export interface Publisher {
  exchange: string;
  /** Messages a second. */
  rate: number;
  user: string;
  connection: string;
  channel: number;
}

interface NetNode {
  id: string;
  kind: "exchange" | "queue" | "consumer" | "publisher";
  name: string;
  type?: string;
  internal?: boolean;
  messages_ready?: number;
  consumers?: number;
  rate_in?: number;
  rate_out?: number;
  connection?: string | null;
  channel?: number;
}

interface NetEdge {
  from: string;
  to: string;
  kind: "binding" | "alternate" | "dead" | "consume" | "publish";
  rate?: number;
  routing_keys?: string[];
  bindings_count?: number;
}

/** The answer of `GET topology/{}`, HareMQ's own. */
export interface Net {
  nodes: NetNode[];
  edges: NetEdge[];
  left_out: Record<string, number>;
}

/** Read what there is in a virtual host, in one answer where the broker has it. */
export async function readFacts(vhost: string, isOneAnswer: boolean, signal: AbortSignal): Promise<NetFacts> {
  if (isOneAnswer) return factsOf(vhost, await request<Net>("GET", ["topology", vhost], { signal }));
  const [exchanges, queues, bindings, consumers] = await Promise.all([
    request<Exchange[]>("GET", ["exchanges", vhost], { signal }),
    request<Queue[]>("GET", ["queues", vhost], { query: { columns: QUEUE_FIELDS }, signal }),
    request<Binding[]>("GET", ["bindings", vhost], { signal }),
    request<Consumer[]>("GET", ["consumers", vhost], { signal }).catch(noneIfNoRoute),
  ]);
  return { exchanges, queues, bindings, consumers, leftOut: 0 };
}

/** A broker that does not tell its consumers has a picture without them. */
function noneIfNoRoute(error: unknown): Consumer[] {
  if (error instanceof ApiError && error.status === 404) return [];
  throw error;
}

const nameIn = (id: string): string => id.slice(id.indexOf(" ") + 1);

/** Nodes and edges as the things that other routes tell of. */
export function factsOf(vhost: string, net: Net): NetFacts {
  const target = (id: string, kind: NetEdge["kind"]): string | undefined => {
    const edge = net.edges.find((one) => one.kind === kind && one.from === id && one.to.startsWith("exchange "));
    return edge && nameIn(edge.to);
  };
  const queueOf = new Map(net.edges.filter((edge) => edge.kind === "consume").map((edge) => [edge.to, nameIn(edge.from)]));
  const of = (kind: NetNode["kind"]): NetNode[] => net.nodes.filter((node) => node.kind === kind);
  return {
    exchanges: of("exchange").map((node) => ({
      name: node.name, vhost, type: node.type ?? "direct", durable: true, auto_delete: false, internal: node.internal ?? false,
      arguments: argument("alternate-exchange", target(node.id, "alternate")),
      message_stats: { publish_in_details: { rate: node.rate_in ?? 0 }, publish_out_details: { rate: node.rate_out ?? 0 } },
    })),
    queues: of("queue").map((node) => ({
      name: node.name, vhost, type: node.type ?? "classic", durable: true, auto_delete: false, exclusive: false,
      arguments: argument("x-dead-letter-exchange", target(node.id, "dead")),
      messages_ready: node.messages_ready ?? 0,
      consumers: node.consumers ?? 0,
      message_stats: { publish_details: { rate: node.rate_in ?? 0 }, deliver_get_details: { rate: node.rate_out ?? 0 } },
    })),
    bindings: net.edges.filter((edge) => edge.kind === "binding").flatMap((edge) => bindingsOf(vhost, edge)),
    consumers: of("consumer").map((node) => consumerOf(vhost, node, queueOf.get(node.id) ?? "")),
    publishers: publishersOf(net),
    leftOut: Object.values(net.left_out).reduce((sum, count) => sum + count, 0),
  };
}

function publishersOf(net: Net): Publisher[] {
  const byId = new Map(net.nodes.filter((node) => node.kind === "publisher").map((node) => [node.id, node]));
  return net.edges.filter((edge) => edge.kind === "publish").flatMap((edge) => {
    const node = byId.get(edge.from);
    return node === undefined ? [] : [{ exchange: nameIn(edge.to), rate: edge.rate ?? 0, user: node.name, connection: node.connection ?? "", channel: node.channel ?? 0 }];
  });
}

function argument(name: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: value };
}

/** The broker tells the first keys of an edge; the others are counted. */
function bindingsOf(vhost: string, edge: NetEdge): Binding[] {
  const keys = edge.routing_keys ?? [];
  const more = (edge.bindings_count ?? keys.length) - keys.length;
  return [...keys, ...(more > 0 ? [`and ${more} more`] : [])].map((key, index) => ({
    source: nameIn(edge.from), vhost, destination: nameIn(edge.to),
    destination_type: edge.to.startsWith("queue ") ? "queue" : "exchange",
    routing_key: key, arguments: {}, properties_key: `${index} ${key}`,
  }));
}

function consumerOf(vhost: string, node: NetNode, queue: string): Consumer {
  const connection = node.connection ?? "";
  return {
    consumer_tag: node.name, queue: { name: queue, vhost }, ack_required: true, exclusive: false, prefetch_count: 0, arguments: {},
    channel_details: { name: `${connection} (${node.channel ?? 0})`, number: node.channel ?? 0, node: "", connection_name: connection },
  };
}
