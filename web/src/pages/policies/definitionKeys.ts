/** A setting that a policy may make, in words. */
export interface DefinitionKey {
  key: string;
  title: string;
  kind: "number" | "span" | "bytes" | "text" | "choice" | "flag" | "list";
  unit?: string;
  choices?: readonly { id: string; title: string }[];
  /** An operator's policy may set it too. */
  isOperators?: boolean;
  of: "queues" | "exchanges" | "streams" | "quorum";
}

/** The settings of RabbitMQ's policies, in the order in which they are offered. */
export const DEFINITION_KEYS: readonly DefinitionKey[] = [
  { key: "message-ttl", title: "Keep for", kind: "span", unit: "ms", isOperators: true, of: "queues" },
  { key: "max-length", title: "Longest", kind: "number", unit: "messages", isOperators: true, of: "queues" },
  { key: "max-length-bytes", title: "Largest", kind: "bytes", unit: "bytes", isOperators: true, of: "queues" },
  {
    key: "overflow", title: "When full", kind: "choice", of: "queues",
    choices: [{ id: "drop-head", title: "Drop oldest" }, { id: "reject-publish", title: "Reject" }, { id: "reject-publish-dlx", title: "Dead-letter" }],
  },
  { key: "dead-letter-exchange", title: "Dead letters to", kind: "text", of: "queues" },
  { key: "dead-letter-routing-key", title: "Dead letters' key", kind: "text", of: "queues" },
  { key: "expires", title: "Delete unused after", kind: "span", unit: "ms", isOperators: true, of: "queues" },
  { key: "delivery-limit", title: "Deliver at most", kind: "number", unit: "times", isOperators: true, of: "quorum" },
  { key: "consumer-timeout", title: "Ack within", kind: "span", unit: "ms", of: "queues" },
  { key: "queue-mode", title: "Mode", kind: "choice", of: "queues", choices: [{ id: "default", title: "Default" }, { id: "lazy", title: "Lazy" }] },
  {
    key: "ha-mode", title: "Mirrors", kind: "choice", of: "queues",
    choices: [{ id: "exactly", title: "Exactly" }, { id: "all", title: "All" }, { id: "nodes", title: "Nodes" }],
  },
  { key: "ha-params", title: "How many mirrors", kind: "number", of: "queues" },
  { key: "max-age", title: "Keep stream for", kind: "text", isOperators: true, of: "streams" },
  { key: "stream-max-segment-size-bytes", title: "Segment size", kind: "bytes", unit: "bytes", isOperators: true, of: "streams" },
  { key: "alternate-exchange", title: "What nobody takes to", kind: "text", of: "exchanges" },
];

/** The words for a key; one that is not known is told by itself. */
export function keyOfDefinition(key: string): DefinitionKey {
  return DEFINITION_KEYS.find((known) => known.key === key) ?? { key, title: key, kind: "text", of: "queues" };
}

/** Read what was typed for a key: a number where it is one, else text or JSON. */
export function readValue(key: string, text: string): unknown {
  const { kind } = keyOfDefinition(key);
  const digits = text.replaceAll(",", "").trim();
  if ((kind === "number" || kind === "span" || kind === "bytes") && /^-?\d+$/.test(digits)) return Number(digits);
  if (/^[[{]/.test(text.trim()) || text === "true" || text === "false") {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  }
  return text;
}
