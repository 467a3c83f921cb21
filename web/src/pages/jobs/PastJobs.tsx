import { ORIGIN, type Job } from "../../api/jobs";
import { wholeCount } from "../../format/count";
import { moment } from "../../format/moment";
import { places } from "../../route/places";
import { endOf } from "./progress";

const LOOKS = { running: "", paused: "", done: "ok", failed: "bad", cancelled: "warn" };

/** Jobs in a line each: what moved, from where, and how it ended. */
export function PastJobs({ jobs }: { jobs: readonly Job[] }) {
  const now = Date.now();
  return (
    <ol class="timeline">
      {jobs.map((job) => {
        const end = endOf(job);
        return (
          <li key={job.id} class={LOOKS[job.state]}>
            <svg class="dot" viewBox="0 0 8 8" aria-hidden="true"><circle cx="4" cy="4" r="4" /></svg>
            {wholeCount(job.moved)} of {wholeCount(job.total)} from <a href={places.queue(job.vhost, job.source)}>{job.source}</a>
            {job.dest !== ORIGIN && <> to <a href={places.queue(job.vhost, job.dest)}>{job.dest}</a></>}
            {job.copy && ", copied"}
            {end !== "" && `, ${end}`}
            <br />
            <time>{job.state === "running" || job.state === "paused" ? "now" : moment(job.started_at, now)}, {job.user}</time>
          </li>
        );
      })}
    </ol>
  );
}
