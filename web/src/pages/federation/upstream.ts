import type { Policy, Table } from "../../api/types";
import { withoutPassword, withPasswords } from "../../format/uris";

/** A parameter of a virtual host, as `GET parameters/…` tells it. */
export interface Parameter<Value> {
  component: string;
  vhost: string;
  name: string;
  value: Value;
}

/** What an upstream is defined by; what is not named has the broker's default. */
export interface UpstreamValue {
  uri?: string | readonly string[];
  [key: string]: unknown;
}

export type Upstream = Parameter<UpstreamValue>;

/** One upstream of a set; further keys take the place of the upstream's own. */
export interface Member {
  upstream: string;
  [key: string]: unknown;
}

export type UpstreamSet = Parameter<readonly Member[]>;

/** A link, as `GET federation-links` tells it. */
export interface Link {
  id: string;
  node: string;
  vhost: string;
  type: "exchange" | "queue";
  exchange?: string;
  queue?: string;
  upstream: string;
  upstream_exchange?: string;
  upstream_queue?: string;
  uri?: string;
  status: string;
  error?: string;
  timestamp?: string;
  consumer_tag?: string;
  local_connection?: string;
  /** HareMQ's: the policy that made it, and how many messages came over it. */
  policy?: string;
  messages_received?: number;
}

/** A key of an upstream as the form shows it. */
export interface UpstreamKey {
  key: string;
  title: string;
  hint: string;
  placeholder: string;
  /** Written as a number. */
  isNumber?: boolean;
  of: "both" | "exchange" | "queue";
}

export const UPSTREAM_KEYS: readonly UpstreamKey[] = [
  { key: "prefetch-count", title: "Prefetch", hint: "messages", placeholder: "1000", isNumber: true, of: "both" },
  { key: "reconnect-delay", title: "Reconnect after", hint: "seconds", placeholder: "5", isNumber: true, of: "both" },
  { key: "exchange", title: "Exchange there", hint: "empty: same name", placeholder: "orders", of: "exchange" },
  { key: "max-hops", title: "Hops at most", hint: "brokers", placeholder: "1", isNumber: true, of: "exchange" },
  { key: "expires", title: "Buffer expires", hint: "after ms unused", placeholder: "3600000", isNumber: true, of: "exchange" },
  { key: "message-ttl", title: "Messages expire", hint: "after ms", placeholder: "60000", isNumber: true, of: "exchange" },
  { key: "queue", title: "Queue there", hint: "empty: same name", placeholder: "orders.created", of: "queue" },
  { key: "consumer-tag", title: "Consumer tag", hint: "of the link, there", placeholder: "federation-link", of: "queue" },
];

export const ACK_MODES = [
  { id: "on-confirm", title: "When they are safe here" },
  { id: "on-publish", title: "When they were sent on" },
  { id: "no-ack", title: "Never: some may be lost" },
];

/** What is written in the form. */
export interface UpstreamForm {
  name: string;
  vhost: string;
  /** One address a line; passwords are hidden. */
  uris: string;
  ackMode: string;
  trustsUserIds: boolean;
  /** By key, as text; empty is not named. */
  fields: Record<string, string>;
}

export function formOf(upstream: Upstream | null, vhost: string): UpstreamForm {
  const value: UpstreamValue = upstream?.value ?? {};
  const fields = UPSTREAM_KEYS.flatMap(({ key }) => (value[key] === undefined ? [] : [[key, String(value[key])]]));
  return {
    name: upstream?.name ?? "",
    vhost: upstream?.vhost ?? vhost,
    uris: urisOf(value).map(withoutPassword).join("\n"),
    ackMode: typeof value["ack-mode"] === "string" ? value["ack-mode"] : "on-confirm",
    trustsUserIds: value["trust-user-id"] === true,
    fields: Object.fromEntries(fields) as Record<string, string>,
  };
}

/** What is put; keys that the form does not know stay as they were, and so do passwords. */
export function valueOf(form: UpstreamForm, before: UpstreamValue = {}): UpstreamValue {
  const { uris } = withPasswords(form.uris, urisOf(before));
  const value: UpstreamValue = { ...before, uri: uris.length === 1 ? (uris[0] as string) : uris, "ack-mode": form.ackMode };
  delete value["trust-user-id"];
  if (form.trustsUserIds) value["trust-user-id"] = true;
  for (const { key, isNumber } of UPSTREAM_KEYS) {
    const text = form.fields[key]?.trim() ?? "";
    delete value[key];
    if (text !== "") value[key] = isNumber ? Number(text) : text;
  }
  return value;
}

export function urisOf(value: UpstreamValue): readonly string[] {
  if (typeof value.uri === "string") return [value.uri];
  return Array.isArray(value.uri) ? value.uri.map(String) : [];
}

/** Which upstreams a policy names, directly or by a set. */
export function upstreamsOf(definition: Table, sets: readonly UpstreamSet[], upstreams: readonly Upstream[], vhost: string): string[] {
  const here = upstreams.filter((upstream) => upstream.vhost === vhost).map((upstream) => upstream.name);
  const one = definition["federation-upstream"];
  if (typeof one === "string") return [one];
  const set = definition["federation-upstream-set"];
  if (set === "all") return here;
  if (typeof set !== "string") return [];
  return sets.find((known) => known.vhost === vhost && known.name === set)?.value.map((member) => member.upstream) ?? [];
}

/** The policies that make links of an upstream. */
export function policiesOf(upstream: Upstream, policies: readonly Policy[], sets: readonly UpstreamSet[], upstreams: readonly Upstream[]): Policy[] {
  return policies.filter((policy) => policy.vhost === upstream.vhost && upstreamsOf(policy.definition, sets, upstreams, upstream.vhost).includes(upstream.name));
}

/** Names of a set, one a line, and back. Members that stay keep what they override. */
export function membersOf(text: string, before: readonly Member[] = []): Member[] {
  const names = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return names.map((upstream) => before.find((member) => member.upstream === upstream) ?? { upstream });
}

/** The policy that would make an upstream feed what matches. */
export function policyFor(upstream: Upstream, pattern: string, appliesTo: string, priority: number): Policy {
  return {
    vhost: upstream.vhost,
    name: `federate-${upstream.name}`,
    pattern,
    "apply-to": appliesTo,
    priority,
    definition: { "federation-upstream": upstream.name },
  };
}
