import type { Job } from "../../api/jobs";
import { Panel } from "../../components/Panel";
import { now } from "../../state/clock";
import { useStore } from "../../state/store";
import { PastJobs } from "./PastJobs";
import { RunningJob } from "./RunningJob";
import { useJobs } from "./useJobs";

const SHOWN_FOR_MS = 3_600_000;
const PAST_MAX = 3;

/** The jobs of a queue: what goes on, and what began in the last hour; nothing where there was none. */
export function QueueJobs({ vhost, name }: { vhost: string; name: string }) {
  const at = useStore(now);
  const jobs = useJobs().filter((job) => job.vhost === vhost && (job.source === name || job.dest === name));
  const past = jobs.filter((job) => isOver(job) && at - job.started_at < SHOWN_FOR_MS).slice(0, PAST_MAX);
  return (
    <>
      <RunningJobs jobs={jobs} />
      {past.length > 0 && <Panel title="Moved lately"><div class="pad"><PastJobs jobs={past} /></div></Panel>}
    </>
  );
}

/** A panel for each job that goes on. */
export function RunningJobs({ jobs }: { jobs: readonly Job[] }) {
  return <>{jobs.filter((job) => !isOver(job)).map((job) => <RunningJob key={job.id} job={job} />)}</>;
}

function isOver(job: Job): boolean {
  return job.state !== "running" && job.state !== "paused";
}
