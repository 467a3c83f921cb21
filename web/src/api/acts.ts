import { request } from "./http";
import type { Message, Table } from "./types";

/** What changes something on the broker. Each throws what the broker told. */

export interface QueueDeclaration {
  durable: boolean;
  auto_delete: boolean;
  arguments: Table;
}

export function declareQueue(vhost: string, name: string, body: QueueDeclaration): Promise<void> {
  return request("PUT", ["queues", vhost, name], { body });
}

export function deleteQueue(vhost: string, name: string, onlyIfEmpty = false): Promise<void> {
  return request("DELETE", ["queues", vhost, name], { query: { "if-empty": onlyIfEmpty ? "true" : undefined } });
}

export function purgeQueue(vhost: string, name: string): Promise<void> {
  return request("DELETE", ["queues", vhost, name, "contents"]);
}

/** HareMQ's: consumers of a paused queue get nothing until it is resumed; all else goes on. */
export function setPaused(vhost: string, name: string, isPaused: boolean): Promise<void> {
  return request("PUT", ["queues", vhost, name, isPaused ? "pause" : "resume"]);
}

export interface ExchangeDeclaration {
  type: string;
  durable: boolean;
  auto_delete: boolean;
  internal: boolean;
  arguments: Table;
}

export function declareExchange(vhost: string, name: string, body: ExchangeDeclaration): Promise<void> {
  return request("PUT", ["exchanges", vhost, name], { body });
}

export function deleteExchange(vhost: string, name: string): Promise<void> {
  return request("DELETE", ["exchanges", vhost, name]);
}

export interface Publication {
  routing_key: string;
  properties: Table;
  payload: string;
  payload_encoding: "string" | "base64";
}

/** Publish one message; the default exchange is `amq.default` in an address. */
export function publish(vhost: string, exchange: string, body: Publication): Promise<{ routed: boolean }> {
  return request("POST", ["exchanges", vhost, exchange === "" ? "amq.default" : exchange, "publish"], { body });
}

export interface BindingPlace {
  vhost: string;
  source: string;
  destination: string;
  kind: "queue" | "exchange";
}

function bindingSegments(place: BindingPlace): string[] {
  return ["bindings", place.vhost, "e", place.source, place.kind === "queue" ? "q" : "e", place.destination];
}

export function bind(place: BindingPlace, routingKey: string, args: Table): Promise<void> {
  return request("POST", bindingSegments(place), { body: { routing_key: routingKey, arguments: args } });
}

export function unbind(place: BindingPlace, propertiesKey: string): Promise<void> {
  return request("DELETE", [...bindingSegments(place), propertiesKey]);
}

export function closeConnection(name: string, reason: string): Promise<void> {
  return request("DELETE", ["connections", name], { headers: { "X-Reason": reason } });
}

/** Take messages as a client does: they come back to the queue and are marked as redelivered. */
export function getMessages(vhost: string, queue: string, count: number): Promise<Message[]> {
  const body = { count, ackmode: "ack_requeue_true", encoding: "auto", truncate: 50_000 };
  return request("POST", ["queues", vhost, queue, "get"], { body });
}
