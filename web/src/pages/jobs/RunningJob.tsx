import { useEffect, useRef } from "preact/hooks";
import { request } from "../../api/http";
import { ORIGIN, pauseJob, stopJob, type Job } from "../../api/jobs";
import { Button } from "../../components/Button";
import { Figure } from "../../components/Figure";
import { Panel } from "../../components/Panel";
import { age } from "../../format/age";
import { wholeCount } from "../../format/count";
import { moment } from "../../format/moment";
import { rate } from "../../format/rate";
import { share, shareOf } from "../../format/share";
import { places } from "../../route/places";
import { useCapability } from "../../state/capabilities";
import { askAgain, usePolled } from "../../state/polling";
import { useRights } from "../../state/rights";
import { session } from "../../state/session";
import { useStore } from "../../state/store";
import { say, sayFailed } from "../../state/toasts";
import { progressOf, withSample, type Sample } from "./progress";

const EVERY_MS = 1_000;

/** A job that goes on: how far it is, how fast, how long yet, and its stop. */
export function RunningJob({ job: listed }: { job: Job }) {
  const rights = useRights();
  const account = useStore(session);
  const canPause = useCapability("PUT jobs/{}/pause");
  const samples = useRef<Sample[]>([]);
  const told = usePolled(`jobs/${listed.id}`, (signal) => request<Job>("GET", ["jobs", String(listed.id)], { signal }), EVERY_MS);
  const job = told.data ?? listed;
  if (told.data !== undefined) samples.current = withSample(samples.current, { at: told.at, done: job.moved + job.skipped });
  const { done, perSecond, leftMs } = progressOf(job, samples.current);
  const lost = job.skipped - (job.unmatched ?? 0);
  const isPaused = job.state === "paused";
  const isOver = job.state !== "running" && !isPaused;
  useEffect(() => {
    if (isOver) askAgain();
  }, [isOver]);
  const isMine = account.state === "in" && account.account.name === job.user;
  const mayStop = !rights.isReadOnly && (isMine || rights.isAdministrator);
  const stop = async (): Promise<void> => {
    try {
      await stopJob(job.id);
      askAgain();
      say(`Stopped job ${job.id}: what was moved stays moved`);
    } catch (error) {
      sayFailed(`stop job ${job.id}`, error);
    }
  };
  const pause = async (): Promise<void> => {
    try {
      await pauseJob(job.id, !isPaused);
      samples.current = [];
      askAgain();
      say(isPaused ? `Job ${job.id} goes on` : `Paused job ${job.id}: what was moved stays moved`);
    } catch (error) {
      sayFailed(`${isPaused ? "resume" : "pause"} job ${job.id}`, error);
    }
  };
  return (
    <Panel
      title={titleOf(job)}
      note={`from ${job.source}, started ${moment(job.started_at, Date.now())} by ${job.user}`}
      acts={mayStop && !isOver && (
        <>
          {canPause && <Button look="s" onPress={() => void pause()}>{isPaused ? "Resume" : "Pause"}</Button>}
          <Button look="s" onPress={() => void stop()}>Stop</Button>
        </>
      )}
    >
      <div class="pad stack">
        <div class="row">
          <b class="bigno">{wholeCount(done)}</b>
          <span class="dim">of {wholeCount(job.total)}</span>
          <span class="push dim">
            {isPaused ? "paused" : <Figure parts={rate(perSecond)} />}
            {leftMs !== undefined && !isOver && !isPaused && <>, <Figure parts={age(leftMs)} /> left</>}
          </span>
        </div>
        <svg class="progress" role="img" aria-label={share(done, job.total)}>
          <rect class="done" width={percent(job.moved, job.total)} height="100%" />
          <rect class="part" x={percent(job.moved, job.total)} width={percent(job.skipped, job.total)} height="100%" />
        </svg>
        <div class="legend">
          <span><b>{wholeCount(job.moved)}</b> {job.copy ? "copied" : "moved"}</span>
          {(job.unmatched ?? 0) > 0 && <span><b>{wholeCount(job.unmatched ?? 0)}</b> did not fit the filter</span>}
          {lost > 0 && <span><b class="warn">{wholeCount(lost)}</b> {job.copy ? "did not fit" : "had nowhere to go"}</span>}
          {job.rate !== undefined && <span>at most {wholeCount(job.rate)} a second</span>}
          {job.dest !== ORIGIN && <a class="push" href={places.queue(job.vhost, job.dest)}>{job.dest}</a>}
        </div>
      </div>
    </Panel>
  );
}

function titleOf(job: Job): string {
  const act = job.copy ? "Copy" : job.dest === ORIGIN ? "Redrive" : "Move";
  return `${act} to ${job.dest}`;
}

function percent(part: number, whole: number): string {
  return `${Math.round(shareOf(part, whole) * 1000) / 10}%`;
}
