import type { Binding, Consumer, Exchange, Queue } from "../../api/types";
import type { Publisher } from "./facts";
import { publisherGroups, PUBLISHERS_MAX, type PublisherGroup } from "./publishers";
import { familyOf } from "../../api/clients";
import { rateOf } from "../../api/counters";
import { wholeCount } from "../../format/count";
import { exchangeTitle } from "../../format/names";
import { many } from "../../format/many";
import { rateDigits } from "../../format/rate";
import { policyOf } from "../queues/features";

export interface Box {
  id: string;
  kind: "publisher" | "exchange" | "queue" | "consumer";
  name: string;
  /** The exact name of one that stands alone, to find it by. */
  connection?: string;
  x: number;
  y: number;
  width: number;
  /** The second line. */
  note: string;
  look?: "warn" | "bad";
}

export interface Edge {
  from: string;
  to: string;
  kind: "publish" | "binding" | "consume" | "dead" | "alternate";
  /** Keys of all bindings between the two. */
  label: string;
  /** Messages a second. */
  rate: number;
}

export interface Picture {
  /** Where each column begins. */
  columns: Readonly<Record<Box["kind"], number>>;
  boxes: readonly Box[];
  edges: readonly Edge[];
  width: number;
  height: number;
  /** Queues and exchanges that found no room. */
  hidden: number;
}

export interface Facts {
  exchanges: readonly Exchange[];
  queues: readonly Queue[];
  bindings: readonly Binding[];
  consumers: readonly Consumer[];
  publishers?: readonly Publisher[];
  /** What a client that publishes calls itself. */
  nameOf?: (publisher: Publisher) => string;
  rateIn: (queue: Queue) => number;
  /** What clients that consume call themselves. */
  clientOf: (consumer: Consumer) => string;
}

const COLUMNS = { publisher: 24, exchange: 24, queue: 420, consumer: 690 } as const;
const WIDTHS = { publisher: 150, exchange: 170, queue: 190, consumer: 150 } as const;
/** How much further right all others stand where somebody publishes. */
const SHIFT = 216;
const ROW = 58;
const TOP = 40;
export const BOX_HEIGHT = 42;
const QUEUES_MAX = 60;

/**
 * Lay out a virtual host in three columns: exchanges, queues, consumers. Queues stand in the order of
 * the exchanges that feed them, so that few lines cross. What nothing is bound to is left out, and of
 * more than 60 queues the busiest are drawn.
 */
export function pictureOf(facts: Facts): Picture {
  const bindings = facts.bindings.filter((binding) => binding.source !== "");
  const bound = new Set(bindings.flatMap((binding) => [`exchange ${binding.source}`, `${binding.destination_type} ${binding.destination}`]));
  const dead = deadEdges(facts);
  for (const edge of dead) bound.add(edge.from).add(edge.to);
  const groups = publisherGroups(facts.publishers ?? [], facts.nameOf ?? ((publisher) => publisher.user));
  for (const group of groups) for (const exchange of group.rates.keys()) bound.add(`exchange ${exchange}`);
  const queues = facts.queues.filter((queue) => bound.has(`queue ${queue.name}`) || (queue.consumers ?? 0) > 0);
  const drawn = [...queues].sort((one, other) => weight(other, facts) - weight(one, facts)).slice(0, QUEUES_MAX);
  // The default exchange is there where somebody publishes to it: it leads to every queue by its name.
  const exchanges = facts.exchanges.filter((exchange) => bound.has(`exchange ${exchange.name}`));
  const order = new Map(exchanges.map((exchange, index) => [exchange.name, index]));
  const feeds = (queue: Queue): number => Math.min(...bindings.filter((binding) => binding.destination === queue.name).map((binding) => order.get(binding.source) ?? 99), 99);
  const rows = [...drawn].sort((one, other) => feeds(one) - feeds(other) || one.name.localeCompare(other.name));
  const queueBoxes = rows.map((queue, index): Box => {
    const isBad = (queue.messages_ready ?? 0) > 0 && queue.consumers === 0;
    return { id: `queue ${queue.name}`, kind: "queue", name: queue.name, x: COLUMNS.queue, y: TOP + index * ROW, width: WIDTHS.queue, note: `${wholeCount(queue.messages_ready ?? 0)} ready${rateNote(facts.rateIn(queue))}`, ...(isBad ? { look: "warn" as const } : {}) };
  });
  const byQueue = new Map(queueBoxes.map((box) => [box.name, box]));
  const exchangeBoxes = placedByMiddle(exchanges, (exchange) => bindings.filter((binding) => binding.source === exchange.name).flatMap((binding) => byQueue.get(binding.destination)?.y ?? []));
  const consumers = consumerBoxes(facts, byQueue);
  const publishers = publisherBoxes(groups, new Map(exchangeBoxes.map((box) => [box.id, box])));
  const shift = publishers.boxes.length > 0 ? SHIFT : 0;
  const boxes = [...publishers.boxes, ...[...exchangeBoxes, ...queueBoxes, ...consumers.boxes].map((box) => ({ ...box, x: box.x + shift }))];
  const known = new Set(boxes.map((box) => box.id));
  const edges = [...publishers.edges, ...bindingEdges(bindings, facts), ...consumers.edges, ...dead].filter((edge) => known.has(edge.from) && known.has(edge.to));
  return {
    boxes,
    edges,
    columns: { publisher: COLUMNS.publisher, exchange: COLUMNS.exchange + shift, queue: COLUMNS.queue + shift, consumer: COLUMNS.consumer + shift },
    width: shift + COLUMNS.consumer + WIDTHS.consumer + 30,
    height: Math.max(...boxes.map((box) => box.y), 0) + BOX_HEIGHT + 40,
    hidden: facts.queues.length - rows.length + facts.exchanges.length - exchangeBoxes.length + groups.length - publishers.boxes.length,
  };
}

function weight(queue: Queue, facts: Facts): number {
  return facts.rateIn(queue) * 1000 + (queue.messages_ready ?? 0);
}

/** Exchanges beside the middle of what they feed, each at least one row under the one before. */
function placedByMiddle(exchanges: readonly Exchange[], middles: (exchange: Exchange) => number[]): Box[] {
  const wanted = exchanges.map((exchange) => {
    const ys = middles(exchange);
    return { exchange, y: ys.length === 0 ? Infinity : ys.reduce((sum, y) => sum + y, 0) / ys.length };
  });
  wanted.sort((one, other) => one.y - other.y);
  let next = TOP;
  return wanted.map(({ exchange, y }) => {
    const at = Math.max(next, Number.isFinite(y) ? y : next);
    next = at + ROW;
    return { id: `exchange ${exchange.name}`, kind: "exchange", name: exchangeTitle(exchange.name), x: COLUMNS.exchange, y: at, width: WIDTHS.exchange, note: `${exchange.type}${rateNote(rateOf(exchange.message_stats, "publish_in") ?? 0)}` };
  });
}

/** Programs that publish, each beside the first exchange that it publishes to. */
function publisherBoxes(groups: readonly PublisherGroup[], exchanges: ReadonlyMap<string, Box>): { boxes: Box[]; edges: Edge[] } {
  const placed = groups.flatMap((group) => {
    const ys = [...group.rates.keys()].flatMap((exchange) => exchanges.get(`exchange ${exchange}`)?.y ?? []);
    return ys.length === 0 ? [] : [{ group, y: Math.min(...ys) }];
  });
  placed.sort((one, other) => one.y - other.y || other.group.rate - one.group.rate);
  let next = TOP;
  const boxes = placed.slice(0, PUBLISHERS_MAX).map(({ group, y }): Box => {
    const at = Math.max(next, y);
    next = at + ROW;
    return { id: `publisher ${group.name}`, kind: "publisher", name: group.name, x: COLUMNS.publisher, y: at, width: WIDTHS.publisher, note: `${many(group.channels, "channel")}${rateNote(group.rate)}`, ...(group.connections.length === 1 ? { connection: group.connections[0] ?? "" } : {}) };
  });
  const edges = placed.flatMap(({ group }) => [...group.rates].map(([exchange, rate]): Edge => ({ from: `publisher ${group.name}`, to: `exchange ${exchange}`, kind: "publish", label: "", rate })));
  return { boxes, edges };
}

/** The consumers of each queue as one box, named by what their clients call themselves. */
function consumerBoxes(facts: Facts, byQueue: ReadonlyMap<string, Box>): { boxes: Box[]; edges: Edge[] } {
  const groups = new Map<string, Consumer[]>();
  for (const consumer of facts.consumers) groups.set(consumer.queue.name, [...(groups.get(consumer.queue.name) ?? []), consumer]);
  const out = new Map(facts.queues.map((queue) => [queue.name, rateOf(queue.message_stats, "deliver_get") ?? 0]));
  const boxes: Box[] = [];
  const edges: Edge[] = [];
  for (const [queue, consumers] of groups) {
    const box = byQueue.get(queue);
    if (box === undefined) continue;
    const id = `consumer ${queue}`;
    const names = new Set(consumers.map((consumer) => familyOf(facts.clientOf(consumer))));
    const rate = out.get(queue) ?? 0;
    boxes.push({ id, kind: "consumer", name: [...names].join(", "), x: COLUMNS.consumer, y: box.y, width: WIDTHS.consumer, note: `${many(consumers.length, "consumer")}${rateNote(rate)}` });
    edges.push({ from: box.id, to: id, kind: "consume", label: "", rate });
  }
  return { boxes, edges };
}

function rateNote(rate: number): string {
  return rate > 0 ? ` · ${rateDigits(rate)}/s` : "";
}

function bindingEdges(bindings: readonly Binding[], facts: Facts): Edge[] {
  const edges = new Map<string, Edge>();
  const rates = new Map(facts.queues.map((queue) => [queue.name, facts.rateIn(queue)]));
  for (const binding of bindings) {
    const from = `exchange ${binding.source}`;
    const to = `${binding.destination_type} ${binding.destination}`;
    const known = edges.get(`${from} ${to}`);
    const label = known === undefined ? binding.routing_key : `${known.label}, ${binding.routing_key}`;
    edges.set(`${from} ${to}`, { from, to, kind: "binding", label, rate: rates.get(binding.destination) ?? 0 });
  }
  return [...edges.values()];
}

function deadEdges(facts: Facts): Edge[] {
  const dead = facts.queues.flatMap((queue): Edge[] => {
    const target = queue.arguments["x-dead-letter-exchange"] ?? policyOf(queue)["dead-letter-exchange"];
    return typeof target === "string" && target !== "" ? [{ from: `queue ${queue.name}`, to: `exchange ${target}`, kind: "dead", label: "", rate: 0 }] : [];
  });
  const alternate = facts.exchanges.flatMap((exchange): Edge[] => {
    const target = exchange.arguments["alternate-exchange"];
    return typeof target === "string" ? [{ from: `exchange ${exchange.name}`, to: `exchange ${target}`, kind: "alternate", label: "", rate: 0 }] : [];
  });
  return [...dead, ...alternate];
}
