import { request } from "../../api/http";
import type { Policy } from "../../api/types";
import { usePolled } from "../../state/polling";
import type { Upstream, UpstreamSet } from "./upstream";

const EVERY_MS = 15_000;

/** Upstreams, sets and policies of a virtual host, or of all of them where it is empty. */
export function useUpstreams(vhost: string, mayAsk: boolean) {
  const tail = vhost === "" ? [] : [vhost];
  const ask = <T>(...path: string[]) =>
    usePolled<T[]>(mayAsk ? [...path, ...tail].map(encodeURIComponent).join("/") : null, (signal) => request<T[]>("GET", [...path, ...tail], { signal }), EVERY_MS);
  const upstreams = ask<Upstream>("parameters", "federation-upstream");
  const sets = ask<UpstreamSet>("parameters", "federation-upstream-set");
  const policies = ask<Policy>("policies");
  return { upstreams: upstreams.data ?? [], sets: sets.data ?? [], policies: policies.data ?? [], isWhole: policies.data !== undefined };
}
