import { formatAddress } from "./address";

type Words = Record<string, string | undefined>;

/** The addresses of pages about one thing. */
export const places = {
  queue: (vhost: string, name: string, query: Words = {}) => formatAddress(["queues", vhost, name], query),
  stream: (vhost: string, name: string, query: Words = {}) => formatAddress(["streams", vhost, name], query),
  superStream: (vhost: string, name: string) => formatAddress(["super-streams", vhost, name]),
  exchange: (vhost: string, name: string, query: Words = {}) =>
    formatAddress(["exchanges", vhost, name === "" ? "amq.default" : name], query),
  connection: (name: string) => formatAddress(["connections"], { open: name }),
  channel: (name: string) => formatAddress(["channels"], { open: name }),
  policy: (vhost: string, name: string, isOperators = false) =>
    formatAddress(["policies"], { open: `${vhost}/${name}`, kind: isOperators ? "operator" : undefined }),
  user: (name: string) => formatAddress(["users"], { open: name }),
  vhost: (name: string) => formatAddress(["vhosts"], { open: name }),
  node: (name: string) => formatAddress(["nodes"], { open: name }),
  destination: (vhost: string, kind: string, name: string) =>
    kind === "queue" ? formatAddress(["queues", vhost, name]) : formatAddress(["exchanges", vhost, name]),
};
