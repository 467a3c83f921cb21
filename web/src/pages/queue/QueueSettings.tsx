import { useState } from "preact/hooks";
import type { Queue } from "../../api/types";
import { Button } from "../../components/Button";
import { Panel } from "../../components/Panel";
import { many } from "../../format/many";
import { go } from "../../route/router";
import { DeleteQueuesDialog } from "../queues/DeleteQueuesDialog";
import { EffectiveSettings } from "./EffectiveSettings";

/** What a queue is, and how it ends. */
export function QueueSettings({ queue }: { queue: Queue }) {
  const [act, setAct] = useState<"purge" | "delete" | null>(null);
  const isStream = queue.type === "stream";
  return (
    <div class="body">
      <EffectiveSettings queue={queue} />
      <Panel title="What cannot be undone">
        <div class="pad acts-list">
          {!isStream && (
            <>
              <div>
                <h3>Purge</h3>
                <p>Removes {many(queue.messages_ready ?? 0, "ready message")}. Messages in the hands of consumers stay.</p>
              </div>
              <Button look="outline-bad" disabled={queue.messages_ready === 0} onPress={() => setAct("purge")}>Purge…</Button>
            </>
          )}
          <div>
            <h3>Delete</h3>
            <p>Removes the queue with its messages and bindings, and cancels {many(queue.consumers ?? 0, "consumer")}.</p>
          </div>
          <Button look="outline-bad" icon="trash" onPress={() => setAct("delete")}>Delete…</Button>
        </div>
      </Panel>
      {act !== null && (
        <DeleteQueuesDialog act={act} queues={[queue]} onClose={() => setAct(null)} onDone={() => act === "delete" && go(["queues"])} />
      )}
    </div>
  );
}
