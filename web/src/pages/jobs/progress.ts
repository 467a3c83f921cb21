import type { Job } from "../../api/jobs";

/** How far a job was at a moment (ms since 1970). */
export interface Sample {
  at: number;
  done: number;
}

/** How far a job is, how fast it goes, and how long it will need. */
export interface Progress {
  done: number;
  perSecond: number | undefined;
  leftMs: number | undefined;
}

const SPAN_MS = 10_000;

/** The samples of the last ten seconds, with one more. */
export function withSample(samples: readonly Sample[], sample: Sample): Sample[] {
  const before = samples.filter((one) => one.at < sample.at && one.at >= sample.at - SPAN_MS);
  return [...before, sample];
}

/** Where a job is; its rate is known once it was looked at twice. */
export function progressOf(job: Job, samples: readonly Sample[]): Progress {
  const done = job.moved + job.skipped;
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || first.at === last.at) return { done, perSecond: undefined, leftMs: undefined };
  const perSecond = ((last.done - first.done) * 1000) / (last.at - first.at);
  const left = Math.max(0, job.total - done);
  return { done, perSecond, leftMs: perSecond > 0 ? (left * 1000) / perSecond : undefined };
}

/** How a job ended, in words that follow its numbers; empty where all went well. */
export function endOf(job: Job): string {
  const unmatched = job.unmatched ?? 0;
  const lost = job.skipped - unmatched;
  const others = unmatched === 0 ? "" : `${unmatched} did not fit the filter`;
  const left = lost === 0 ? "" : job.copy ? `${lost} did not fit` : `${lost} had nowhere to go`;
  const end = { running: "", paused: "", done: "", failed: `failed: ${job.error ?? "the broker does not say why"}`, cancelled: "stopped" }[job.state];
  return [others, left, end].filter((words) => words !== "").join(", ");
}
