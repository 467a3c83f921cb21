import type { ChannelDetails, Connection } from "./types";

/** What a client calls itself: its connection name, else user and address. */
export function nameOfConnection(connection: Connection): string {
  const given = connection.user_provided_name ?? connection.client_properties?.connection_name;
  return typeof given === "string" && given !== "" ? given : `${connection.user}, ${connection.peer_host}:${connection.peer_port}`;
}

/** Its library and version: `pika 1.3`. */
export function productOf(connection: Connection): string {
  const properties = connection.client_properties ?? {};
  return [properties.product, properties.version].filter((word) => typeof word === "string").join(" ");
}

/** The common start of names that end in a number: `render-6` is of `render`. */
export function familyOf(name: string): string {
  return name.replace(/[-_.:#]?\d+$/, "");
}

/** What the client of a channel calls itself, else user and address. */
export function clientOf(channel: ChannelDetails, names: ReadonlyMap<string, string>): string {
  return names.get(channel.connection_name) ?? `${channel.user ?? ""} ${channel.peer_host ?? ""}:${channel.peer_port ?? ""}`;
}
