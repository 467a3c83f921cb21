import { nameOfConnection, familyOf, productOf } from "../../api/clients";
import type { Connection } from "../../api/types";

/** By what connections are put together. */
export type GroupKey = "name" | "user" | "host" | "product";

export interface Group {
  title: string;
  connections: readonly Connection[];
}

const TITLES: Record<GroupKey, (connection: Connection) => string> = {
  name: (connection) => {
    const given = connection.user_provided_name ?? connection.client_properties?.connection_name;
    return typeof given === "string" && given !== "" ? familyOf(given) : "no name given";
  },
  user: (connection) => connection.user,
  host: (connection) => connection.peer_host ?? "unknown",
  product: (connection) => productOf(connection) || "unknown",
};

/** Connections put together, the largest group first; inside of one by name. */
export function groupsOf(connections: readonly Connection[], by: GroupKey): Group[] {
  const groups = new Map<string, Connection[]>();
  for (const connection of connections) {
    const title = TITLES[by](connection);
    const group = groups.get(title);
    if (group === undefined) groups.set(title, [connection]);
    else group.push(connection);
  }
  return [...groups]
    .map(([title, all]) => ({
      title,
      connections: all.sort((one, other) => nameOfConnection(one).localeCompare(nameOfConnection(other), "en", { numeric: true })),
    }))
    .sort((one, other) => other.connections.length - one.connections.length || one.title.localeCompare(other.title, "en", { numeric: true }));
}

/** The sum of a number over a group; undefined where none is known. */
export function sumOver(group: Group, of: (connection: Connection) => number | undefined): number | undefined {
  const known = group.connections.map(of).filter((value): value is number => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0);
}
