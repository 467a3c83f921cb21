import { request } from "../api/http";
import type { Connection, Page } from "../api/types";
import { nameOfConnection } from "../api/clients";
import { usePolled } from "./polling";

const EVERY_MS = 15_000;
const FIELDS = "name,user,peer_host,peer_port,user_provided_name";
const CONNECTIONS_MAX = 500;

/** What clients call themselves, by the names of their connections; of many connections only some. */
export function useClientNames(): ReadonlyMap<string, string> {
  const told = usePolled(
    "client names",
    async (signal) => {
      const query = { page: 1, page_size: CONNECTIONS_MAX, columns: FIELDS };
      const { items } = await request<Page<Connection>>("GET", ["connections"], { query, signal });
      return new Map(items.map((connection) => [connection.name, nameOfConnection(connection)]));
    },
    EVERY_MS,
  );
  return told.data ?? NOBODY;
}

const NOBODY: ReadonlyMap<string, string> = new Map();
