import type { Queue } from "../../api/types";
import { Sparkline } from "../../components/Sparkline";
import { remembered } from "./readyMemory";

/** The ready messages of the last ten minutes, as far as this tab has seen them. */
export function ReadySpark({ queue }: { queue: Queue }) {
  if (queue.messages_ready === undefined) return <span class="dim" title="the node of the queue does not answer">–</span>;
  return <Sparkline values={remembered(`${queue.vhost} ${queue.name}`, queue.messages_ready, Date.now())} measure="ready" />;
}
