import { hidingPasswords, withoutPassword, withPasswords } from "../../format/uris";

/** What a shovel is defined by; what is not named has the broker's default. */
export type ShovelValue = Record<string, unknown>;

/** A shovel as `GET shovels` tells it, or as its parameter does, which has no state. */
export interface Shovel {
  name: string;
  vhost: string;
  type?: string;
  state?: string;
  reason?: string;
  timestamp?: string;
  src_uri?: string;
  src_queue?: string;
  src_exchange?: string;
  dest_uri?: string;
  dest_queue?: string;
  dest_exchange?: string;
  forwarded?: number;
  value?: ShovelValue;
}

export type End = "src" | "dest";

/** One end in the form. */
export interface EndForm {
  /** One address a line; passwords are hidden. */
  uris: string;
  /** `own`: each message keeps its exchange and its key; a destination alone may be so. */
  kind: "queue" | "exchange" | "own";
  name: string;
  /** Of a binding at the source, in place of their own at the destination. */
  key: string;
}

/** What is written in the form; numbers are text, and empty is the default. */
export interface ShovelForm {
  name: string;
  vhost: string;
  src: EndForm;
  dest: EndForm;
  ackMode: string;
  prefetch: string;
  reconnectDelay: string;
  /** `never`, `queue-length`, or `count`. */
  endsAfter: string;
  endCount: string;
}

/** A field that an error may stand at. */
export type ShovelField = "src-uri" | "src-name" | "src-key" | "dest-uri" | "dest-name" | "dest-key" | "ack" | "prefetch" | "reconnect" | "end";
export type ShovelFaults = Partial<Record<ShovelField, string>>;

export const ACK_MODES = [
  { id: "on-confirm", title: "When they are safe there: none is lost" },
  { id: "on-publish", title: "When they were sent: some may be lost" },
  { id: "no-ack", title: "Never: some may be lost" },
];
export const ENDS = [
  { id: "never", title: "Never" },
  { id: "queue-length", title: "What is there when it starts was moved" },
  { id: "count", title: "A number of messages was moved" },
];

/** Names that versions of RabbitMQ have for one setting; the first is written. */
const PREFETCH = ["src-prefetch-count", "prefetch-count"] as const;
const DELETE_AFTER = ["src-delete-after", "delete-after"] as const;

/** The keys of the definition and where their errors stand; a key goes before the one that it begins with. */
const FIELD_OF: Readonly<Record<string, ShovelField>> = {
  "src-exchange-key": "src-key", "src-exchange": "src-name", "src-queue": "src-name", "src-uri": "src-uri",
  "dest-exchange-key": "dest-key", "dest-exchange": "dest-name", "dest-queue": "dest-name", "dest-uri": "dest-uri",
  "src-prefetch-count": "prefetch", "prefetch-count": "prefetch", "src-delete-after": "end", "delete-after": "end",
  "ack-mode": "ack", "reconnect-delay": "reconnect",
};
const NAMED = new RegExp(`(?<![\\w-])(${Object.keys(FIELD_OF).join("|")})(?![\\w-])`);

/** The address of a virtual host of this very broker. */
export function localUri(vhost: string): string {
  return vhost === "/" ? "amqp://" : `amqp:///${encodeURIComponent(vhost)}`;
}

export function urisOf(value: ShovelValue, end: End): string[] {
  const given = value[`${end}-uri`];
  return (Array.isArray(given) ? given : given === undefined ? [] : [given]).map(String);
}

export function formOf(value: ShovelValue | null, name: string, vhost: string): ShovelForm {
  const held = value ?? { "src-uri": localUri(vhost), "dest-uri": localUri(vhost) };
  const until = firstOf(held, DELETE_AFTER);
  return {
    name,
    vhost,
    src: endForm(held, "src", "queue"),
    dest: endForm(held, "dest", value === null ? "queue" : "own"),
    ackMode: textOf(held["ack-mode"]) || "on-confirm",
    prefetch: textOf(firstOf(held, PREFETCH)),
    reconnectDelay: textOf(held["reconnect-delay"]),
    endsAfter: typeof until === "number" ? "count" : until === "queue-length" ? until : "never",
    endCount: typeof until === "number" ? String(until) : "",
  };
}

function endForm(value: ShovelValue, end: End, fallback: EndForm["kind"]): EndForm {
  const [queue, exchange] = [value[`${end}-queue`], value[`${end}-exchange`]];
  return {
    uris: urisOf(value, end).map(withoutPassword).join("\n"),
    kind: queue !== undefined ? "queue" : exchange !== undefined ? "exchange" : fallback,
    name: textOf(queue ?? exchange),
    key: textOf(value[`${end}-exchange-key`]),
  };
}

/**
 * What is put, and what is wrong before the broker is asked. Keys that the form does not know stay as they were.
 *
 * @param before The definition as the broker has it, with its passwords.
 */
export function valueOf(form: ShovelForm, before: ShovelValue = {}): { value: ShovelValue; faults: ShovelFaults } {
  const value: ShovelValue = { ...before };
  const faults: ShovelFaults = {};
  for (const key of Object.keys(FIELD_OF)) delete value[key];
  for (const end of ["src", "dest"] as const) {
    const written = form[end];
    const { uris, fault } = withPasswords(written.uris, urisOf(before, end));
    if (fault !== "") faults[`${end}-uri`] = fault;
    value[`${end}-uri`] = uris.length === 1 ? uris[0] : uris;
    if (written.kind !== "own" && (written.name !== "" || end === "dest")) value[`${end}-${written.kind}`] = written.name;
    if (written.kind !== "queue" && written.key !== "") value[`${end}-exchange-key`] = written.key;
  }
  value["ack-mode"] = form.ackMode;
  if (form.prefetch.trim() !== "") value[PREFETCH[0]] = Number(form.prefetch);
  if (form.reconnectDelay.trim() !== "") value["reconnect-delay"] = Number(form.reconnectDelay);
  if (form.endsAfter !== "never") value[DELETE_AFTER[0]] = form.endsAfter === "count" ? Number(form.endCount) : form.endsAfter;
  return { value, faults };
}

/**
 * The errors of the broker, each at its field, and what belongs to none.
 *
 * @param value What was put: an address that is wrong is told by itself, and with its password.
 */
export function faultsOf(reason: string, value: ShovelValue): { faults: ShovelFaults; rest: string } {
  const faults: ShovelFaults = {};
  const rest: string[] = [];
  for (const line of reason.split("\n").map((part) => part.trim())) {
    if (line === "" || line === "Validation failed") continue;
    const fields = fieldsOf(line, value);
    const told = hidingPasswords(line, [...urisOf(value, "src"), ...urisOf(value, "dest")]);
    for (const field of fields) faults[field] = faults[field] === undefined ? told : `${faults[field]} ${told}`;
    if (fields.length === 0) rest.push(told);
  }
  return { faults, rest: rest.join(" ") };
}

function fieldsOf(line: string, value: ShovelValue): ShovelField[] {
  if (line.includes("not a valid URI")) {
    const ends = (["src", "dest"] as const).filter((end) => urisOf(value, end).some((uri) => line.startsWith(`"${uri.replaceAll('"', '\\"')}"`)));
    return ends.map((end) => `${end}-uri` as const);
  }
  const key = NAMED.exec(line)?.[1];
  const field = key === undefined ? undefined : FIELD_OF[key];
  return field === undefined ? [] : [field];
}

/** The queue or exchange of one end; empty is that of each message. */
export function endName(shovel: Shovel, end: End): string {
  const value = shovel.value ?? {};
  return shovel[`${end}_queue`] ?? shovel[`${end}_exchange`] ?? textOf(value[`${end}-queue`] ?? value[`${end}-exchange`]);
}

/** Where one end is, without a password; empty is this broker. */
export function endAddress(shovel: Shovel, end: End): string {
  const uri = withoutPassword(shovel[`${end}_uri`] ?? urisOf(shovel.value ?? {}, end).join(", "));
  return uri === "amqp://" ? "" : uri;
}

/** The host of an address, or what is left of it where it has none. */
export function hostOf(address: string): string {
  const rest = address.replace(/^[a-z0-9+.-]+:\/\//i, "").replace(/^[^/?#]*@/, "");
  return rest.replace(/(.)[/?#].*$/, "$1");
}

/** One end in a line. */
export function endText(shovel: Shovel, end: End): string {
  const address = endAddress(shovel, end);
  return [endName(shovel, end), address === "" ? "" : `at ${address}`].filter((word) => word !== "").join(" ");
}

function firstOf(value: ShovelValue, keys: readonly string[]): unknown {
  return keys.map((key) => value[key]).find((held) => held !== undefined);
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? "" : String(value);
}
