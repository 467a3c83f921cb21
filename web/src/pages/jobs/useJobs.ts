import { request } from "../../api/http";
import type { Job } from "../../api/jobs";
import { useCapability } from "../../state/capabilities";
import { usePolled } from "../../state/polling";

/** The jobs that the user may see, the newest first: those that go on, and the last ones that are over. */
export function useJobs(): readonly Job[] {
  const areThere = useCapability("GET jobs");
  const told = usePolled(areThere ? "jobs" : null, (signal) => request<Job[]>("GET", ["jobs"], { signal }));
  return [...(told.data ?? [])].sort((one, other) => other.started_at - one.started_at || other.id - one.id);
}
