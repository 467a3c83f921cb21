import type { Attention } from "../api/attention";
import { request } from "../api/http";
import { useCapability } from "./capabilities";
import { usePolled } from "./polling";

/** What needs a hand, worst first; undefined where the broker does not compute it. */
export function useAttention(): readonly Attention[] | undefined {
  const isThere = useCapability("GET attention");
  const told = usePolled(isThere ? "attention" : null, (signal) => request<Attention[]>("GET", ["attention"], { signal }));
  return isThere ? (told.data ?? []) : undefined;
}
