import { request } from "../../api/http";
import { lengthSamples } from "../../api/counters";
import { lengthSeries } from "../../api/series";
import type { Queue } from "../../api/types";
import { Verdict } from "../../components/Verdict";
import { many } from "../../format/many";
import { rateDigits } from "../../format/rate";
import { useCapability } from "../../state/capabilities";
import { usePolled } from "../../state/polling";
import { slopeOf } from "./drain";

/** Why a queue moves or does not, as the broker worked it out (`GET queues/{}/{}/explain`). */
interface Explanation {
  verdict: string;
  text: string;
}

/** One sentence about what is wrong with a queue, where something is. */
export function QueueVerdict({ queue }: { queue: Queue }) {
  const ready = queue.messages_ready ?? 0;
  const isExplained = useCapability("GET queues/{}/{}/explain");
  const key = `explain ${encodeURIComponent(queue.vhost)}/${encodeURIComponent(queue.name)}`;
  const explained = usePolled(isExplained ? key : null, (signal) => request<Explanation>("GET", ["queues", queue.vhost, queue.name, "explain"], { signal })).data;
  const lengths = lengthSeries([lengthSamples(queue, "messages_ready")]);
  const growth = slopeOf(lengths.times, lengths.lines[0] ?? []) ?? queue.messages_ready_details?.rate ?? 0;
  if (queue.state === "down" || queue.state === "crashed" || queue.state === "stopped") {
    return <Verdict look="bad">The queue is <b>{queue.state}</b>: its node {queue.node} does not serve it.</Verdict>;
  }
  if (queue.state === "minority") {
    if (queue.min_isr !== undefined) {
      return <Verdict look="bad">Fewer than <b>{queue.min_isr}</b> of its copies are in sync and run: its <b>publishers wait</b> until one comes back.</Verdict>;
    }
    return <Verdict look="bad">Fewer than half of its copies are there: it takes and gives <b>no messages</b> until one comes back.</Verdict>;
  }
  if (queue.type === "stream") return null;
  if (explained?.verdict === "waits" && ready > 0) {
    return <Verdict look="warn"><b>{many(ready, "message")}</b> {ready === 1 ? "waits" : "wait"}: {explained.text}.</Verdict>;
  }
  if (ready > 0 && queue.consumers === 0) {
    return <Verdict look="warn"><b>{many(ready, "message")}</b> {ready === 1 ? "waits" : "wait"}, and there is <b>no consumer</b>.</Verdict>;
  }
  if (ready > 1000 && growth > 1) {
    return <Verdict look="warn">Growing by <b>{rateDigits(growth)}/s</b>: consumers take less than comes in.</Verdict>;
  }
  return null;
}
