import type { Replica } from "./cluster";

/** The fields of RabbitMQ's management API that this program reads. Any of them may be left out. */

export interface Sample {
  sample: number;
  /** Milliseconds since 1970. */
  timestamp: number;
}

export interface Details {
  rate: number;
  /** Newest first; only where an age was asked for. */
  samples?: Sample[];
  avg?: number;
  avg_rate?: number;
}

/** Counters by name, each with `<name>_details` beside it. */
export type Counters = Record<string, number | Details | undefined>;

export type Table = Record<string, unknown>;

export interface Page<T> {
  items: T[];
  page: number;
  page_count: number;
  page_size: number;
  /** Of this page. */
  item_count: number;
  filtered_count: number;
  total_count: number;
}

export interface Totals {
  messages?: number;
  messages_details?: Details;
  messages_ready?: number;
  messages_ready_details?: Details;
  messages_unacknowledged?: number;
  messages_unacknowledged_details?: Details;
}

export interface Listener {
  node: string;
  protocol: string;
  ip_address: string;
  port: number;
  tls?: boolean;
}

export interface Overview {
  cluster_name: string;
  node: string;
  product_name?: string;
  product_version?: string;
  rabbitmq_version: string;
  management_version: string;
  erlang_version?: string;
  erlang_full_version?: string;
  rates_mode?: string;
  exchange_types: { name: string; description: string; enabled: boolean }[];
  message_stats?: Counters;
  queue_totals?: Totals;
  churn_rates?: Counters;
  object_totals?: { connections: number; channels: number; exchanges: number; queues: number; consumers: number };
  listeners?: Listener[];
}

export interface WhoAmI {
  name: string;
  tags: string[] | string;
  /** HareMQ's: goes with each request that changes something. */
  csrf_token?: string;
}

export interface Node {
  name: string;
  type: string;
  running: boolean;
  os_pid?: string;
  uptime?: number;
  run_queue?: number;
  processors?: number;
  mem_used?: number;
  mem_limit?: number;
  mem_alarm?: boolean;
  disk_free?: number;
  disk_free_limit?: number;
  disk_free_alarm?: boolean;
  fd_used?: number;
  fd_total?: number;
  sockets_used?: number;
  sockets_total?: number;
  proc_used?: number;
  proc_total?: number;
  partitions?: string[];
  enabled_plugins?: string[];
  being_drained?: boolean;
  log_files?: string[];
  config_files?: string[];
  db_dir?: string;
  auth_mechanisms?: { name: string; description: string; enabled: boolean }[];
  applications?: { name: string; description: string; version: string }[];
  /** HareMQ's: false of a node that the answering one knows only in part. */
  numbers_known?: boolean;
  cluster_state?: string;
  [gauge: string]: unknown;
}

export interface Queue extends Totals {
  name: string;
  vhost: string;
  type?: string;
  node?: string;
  state?: string;
  durable: boolean;
  auto_delete: boolean;
  exclusive: boolean;
  arguments: Table;
  consumers?: number;
  consumer_utilisation?: number | null;
  memory?: number;
  message_bytes?: number;
  message_bytes_ready?: number;
  message_bytes_unacknowledged?: number;
  message_stats?: Counters;
  policy?: string | null;
  operator_policy?: string | null;
  effective_policy_definition?: Table | [];
  head_message_timestamp?: number | null;
  idle_since?: string;
  leader?: string;
  members?: string[];
  online?: string[];
  slave_nodes?: string[];
  synchronised_slave_nodes?: string[];
  single_active_consumer_tag?: string | null;
  owner_pid_details?: { name: string; peer_host: string; peer_port: number };
  consumer_details?: Consumer[];
  incoming?: { exchange: { name: string; vhost: string }; stats?: Counters }[];
  deliveries?: { channel_details: ChannelDetails; stats?: Counters }[];
  segments?: number;
  readers?: Record<string, number> | number;
  /** HareMQ's, of mirrored queues. */
  epoch?: number;
  min_isr?: number;
  in_sync?: string[];
  replicas?: Replica[];
  clean?: boolean;
}

export interface Exchange {
  name: string;
  vhost: string;
  type: string;
  durable: boolean;
  auto_delete: boolean;
  internal: boolean;
  arguments: Table;
  policy?: string | null;
  user_who_performed_action?: string;
  message_stats?: Counters;
}

export interface Binding {
  source: string;
  vhost: string;
  destination: string;
  destination_type: "queue" | "exchange";
  routing_key: string;
  arguments: Table;
  properties_key: string;
}

export interface ChannelDetails {
  name: string;
  number: number;
  node: string;
  connection_name: string;
  peer_host?: string;
  peer_port?: number;
  user?: string;
}

export interface Connection {
  name: string;
  node: string;
  vhost: string;
  user: string;
  state?: string;
  type?: string;
  protocol?: string;
  host?: string;
  port?: number;
  peer_host?: string;
  peer_port?: number;
  channels?: number;
  channel_max?: number;
  frame_max?: number;
  timeout?: number;
  connected_at?: number;
  client_properties?: Table;
  ssl?: boolean;
  ssl_protocol?: string | null;
  ssl_cipher?: string | null;
  auth_mechanism?: string;
  recv_oct?: number;
  recv_oct_details?: Details;
  send_oct?: number;
  send_oct_details?: Details;
  user_provided_name?: string;
  last_blocked_by?: string;
  last_blocked_age?: number | string;
}

export interface Channel {
  name: string;
  number: number;
  node: string;
  vhost: string;
  user: string;
  state?: string;
  connection_details?: { name: string; peer_host: string; peer_port: number };
  confirm?: boolean;
  transactional?: boolean;
  prefetch_count?: number;
  global_prefetch_count?: number;
  consumer_count?: number;
  messages_unacknowledged?: number;
  messages_unconfirmed?: number;
  messages_uncommitted?: number;
  acks_uncommitted?: number;
  idle_since?: string;
  message_stats?: Counters;
  consumer_details?: Consumer[];
}

export interface Consumer {
  consumer_tag: string;
  queue: { name: string; vhost: string };
  channel_details: ChannelDetails;
  ack_required: boolean;
  exclusive: boolean;
  prefetch_count: number;
  active?: boolean;
  activity_status?: string;
  arguments: Table;
  /** HareMQ's, of a stream: the next offset, and how many messages are behind it. */
  offset?: number;
  offset_lag?: number;
}

export interface Vhost extends Totals {
  name: string;
  description?: string;
  tags?: string[];
  default_queue_type?: string;
  tracing?: boolean;
  protected_from_deletion?: boolean;
  cluster_state?: Record<string, string>;
  message_stats?: Counters;
}

export interface User {
  name: string;
  tags: string[] | string;
  password_hash: string;
  hashing_algorithm?: string;
  limits?: Record<string, number>;
}

export interface Permission {
  user: string;
  vhost: string;
  configure: string;
  write: string;
  read: string;
}

export interface TopicPermission {
  user: string;
  vhost: string;
  exchange: string;
  write: string;
  read: string;
}

export interface Policy {
  vhost: string;
  name: string;
  pattern: string;
  "apply-to": string;
  priority: number;
  definition: Table;
}

export interface VhostLimits {
  vhost: string;
  value: Record<string, number>;
}

export interface Message {
  payload_bytes: number;
  redelivered: boolean;
  exchange: string;
  routing_key: string;
  message_count?: number;
  properties: Table | [];
  payload: string;
  payload_encoding: "string" | "base64";
  /** HareMQ's, where it was looked at: how many messages are before it. */
  position?: number;
  /** HareMQ's: where it is. A look with it as `place` begins with this message. */
  place?: string;
  /** HareMQ's: what it is; with `place` it names the message. */
  fingerprint?: string;
  /** HareMQ's, of a stream: its offset, and when it was appended (ms since 1970). */
  offset?: number;
  timestamp?: number;
  /** HareMQ's: when it expires, in ms since 1970. */
  expires_at?: number;
  delivery_count?: number;
  /** HareMQ's: the AMQP types of the headers, such as `longstr`. */
  header_types?: Record<string, string>;
  /** HareMQ's, where it is unacked: who holds it. */
  delivery_tag?: number;
  consumer_tag?: string;
  channel_name?: string;
  unacked_for_seconds?: number;
}

/** Which messages a look shows: all that is set must hold. */
export interface MessageFilter {
  text?: string;
  regexp?: string;
  headers?: Table;
  exchange?: string;
  routing_key?: string;
  /** A test of JSONPaths that holds for the body. */
  jsonpath?: string;
}

/** The answer of `POST queues/{}/{}/peek` and `POST queues/{}/{}/stream`. */
export interface Look {
  items: Message[];
  /** How many messages were looked at, and how many there are. */
  scanned: number;
  total: number;
  /** In how many it could not be told: `regexp` took too long, or the body is no JSON, or too much of it. */
  gave_up: number;
  /** The body of a request that goes on, besides filter and count; null if nothing is left. */
  next: { offset: number; place: string } | null;
}
