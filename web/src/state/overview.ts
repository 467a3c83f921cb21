import { request } from "../api/http";
import type { Overview } from "../api/types";
import { usePolled, type Polled } from "./polling";

/** The totals of the broker, without history: the sidebar and many pages look at them. */
export function useOverview(): Polled<Overview> {
  return usePolled("overview", (signal) => request<Overview>("GET", ["overview"], { signal }));
}
