import { useState } from "preact/hooks";
import type { Queue } from "../../api/types";
import { Button } from "../../components/Button";
import { Panel } from "../../components/Panel";
import { wholeCount } from "../../format/count";
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
        <dl class="pad acts-list">
          {!isStream && (
            <>
              <div>
                <dt>Purge</dt>
                <dd>Removes the {wholeCount(queue.messages_ready ?? 0)} ready messages. Messages in the hands of consumers stay.</dd>
              </div>
              <Button look="outline-bad" disabled={queue.messages_ready === 0} onPress={() => setAct("purge")}>Purge…</Button>
            </>
          )}
          <div>
            <dt>Delete</dt>
            <dd>Removes the queue with its messages and bindings, and cancels its {wholeCount(queue.consumers ?? 0)} consumers.</dd>
          </div>
          <Button look="outline-bad" icon="trash" onPress={() => setAct("delete")}>Delete…</Button>
        </dl>
      </Panel>
      {act !== null && (
        <DeleteQueuesDialog act={act} queues={[queue]} onClose={() => setAct(null)} onDone={() => act === "delete" && go(["queues"])} />
      )}
    </div>
  );
}
