import type { Cluster } from "../api/cluster";
import { request } from "../api/http";
import { useCapability } from "./capabilities";
import { usePolled } from "./polling";
import { useRights } from "./rights";

/** The cluster; undefined where the broker is in none, has no such route, or the user may not see it. */
export function useCluster(): Cluster | undefined {
  const isThere = useCapability("GET cluster");
  const rights = useRights();
  const told = usePolled(isThere && rights.seesAll ? "cluster" : null, (signal) => request<Cluster>("GET", ["cluster"], { signal }));
  return told.data?.clustered ? told.data : undefined;
}
