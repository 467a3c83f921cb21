import { setPaused } from "../../api/acts";
import type { Queue } from "../../api/types";
import { many } from "../../format/many";
import { askAgain } from "../../state/polling";
import { say, sayFailed } from "../../state/toasts";

/** The queues that can be paused, or resumed: streams cannot, and what is so already stays. */
export function pausable(queues: readonly Queue[], isPaused: boolean): readonly Queue[] {
  return queues.filter((queue) => queue.type !== "stream" && (queue.state === "paused") !== isPaused);
}

/** Pause or resume queues one after the other, and offer the way back for those that were changed. */
export async function pauseQueues(queues: readonly Queue[], isPaused: boolean): Promise<void> {
  const done: Queue[] = [];
  const act = isPaused ? "pause" : "resume";
  try {
    for (const queue of queues) {
      await setPaused(queue.vhost, queue.name, isPaused);
      done.push(queue);
    }
  } catch (error) {
    sayFailed(`${act} ${queues[done.length]?.name ?? ""}`, error);
  }
  askAgain();
  const what = done.length === 1 ? (done[0]?.name ?? "") : many(done.length, "queue");
  if (done.length > 0) say(isPaused ? `Paused ${what}: consumers get nothing` : `Resumed ${what}`, () => void pauseQueues(done.map((queue) => ({ ...queue })), !isPaused));
}
