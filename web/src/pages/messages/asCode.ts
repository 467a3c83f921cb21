import type { Message, Table } from "../../api/types";
import { propertiesOf } from "./body";

/** What publishes the message again, as text to paste; who pastes it names the broker and the user. */
export function asCurl(message: Message, vhost: string, origin: string): string {
  const exchange = encodeURIComponent(message.exchange === "" ? "amq.default" : message.exchange);
  const body = JSON.stringify({
    routing_key: message.routing_key,
    properties: propertiesOf(message),
    payload: message.payload,
    payload_encoding: message.payload_encoding,
  });
  const address = `${origin.replace(/\/$/, "")}/api/exchanges/${encodeURIComponent(vhost)}/${exchange}/publish`;
  return ["curl --user USER", "--header 'content-type: application/json'", `--data-binary ${quotedForShell(body)}`, quotedForShell(address)].join(" \\\n  ");
}

/** The same with pika, over AMQP. */
export function asPython(message: Message, vhost: string, host: string): string {
  const properties = Object.entries(propertiesOf(message)).map(([name, value]) => `${name}=${python(value)}`);
  const body = message.payload_encoding === "base64" ? `base64.b64decode(${python(message.payload)})` : `${python(message.payload)}.encode()`;
  return [
    ...(message.payload_encoding === "base64" ? ["import base64", ""] : []),
    "import pika",
    "",
    `connection = pika.BlockingConnection(pika.ConnectionParameters(${python(host)}, virtual_host=${python(vhost)}))`,
    "channel = connection.channel()",
    "channel.basic_publish(",
    `    exchange=${python(message.exchange)},`,
    `    routing_key=${python(message.routing_key)},`,
    `    body=${body},`,
    `    properties=pika.BasicProperties(${properties.join(", ")}),`,
    ")",
    "connection.close()",
    "",
  ].join("\n");
}

/** In single quotes nothing is read by a shell but the quote that ends it. */
function quotedForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function python(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value as Table).map(([key, inner]) => `${python(key)}: ${python(inner)}`).join(", ")}}`;
  // JSON's escapes of texts are Python's, but for surrogates in pairs, which it writes as letters.
  return JSON.stringify(value);
}
