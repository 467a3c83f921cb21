import { useState } from "preact/hooks";
import { deleteQueue, purgeQueue } from "../../api/acts";
import { ApiError } from "../../api/http";
import type { Queue } from "../../api/types";
import { Checkbox } from "../../components/Checkbox";
import { ConfirmDialog, type Loss } from "../../components/ConfirmDialog";
import { bytes } from "../../format/bytes";
import { wholeCount } from "../../format/count";
import { nounOf } from "../../format/many";
import { textOf } from "../../format/parts";
import { askAgain } from "../../state/polling";
import { say } from "../../state/toasts";

interface Props {
  act: "purge" | "delete";
  queues: readonly Queue[];
  /** Called when it is done: the selection is over. */
  clear?: () => void;
  onDone?: () => void;
  onClose: () => void;
}

/** Before queues are purged or deleted: what would be lost. */
export function DeleteQueuesDialog({ act, queues, clear, onDone, onClose }: Props) {
  const [onlyEmpty, setOnlyEmpty] = useState(false);
  const sum = (of: (queue: Queue) => number | undefined): number => queues.reduce((total, queue) => total + (of(queue) ?? 0), 0);
  const ready = sum((queue) => queue.messages_ready);
  const messages = sum((queue) => queue.messages);
  const consumers = sum((queue) => queue.consumers);
  const size = sum((queue) => queue.message_bytes);
  const empty = queues.filter((queue) => queue.messages === 0).length;
  const what = queues.length === 1 ? (queues[0]?.name ?? "") : `${wholeCount(queues.length)} queues`;
  const isPurge = act === "purge";
  const losses: Loss[] = [
    { amount: wholeCount(isPurge ? ready : messages), what: isPurge ? nounOf(ready, "ready message") : `${nounOf(messages, "message")}, in hands of consumers or ready` },
    { amount: textOf(bytes(size)), what: "of payload" },
    ...(isPurge ? [] : [{ amount: wholeCount(consumers), what: `${nounOf(consumers, "consumer")} would be cancelled` }]),
  ];
  const confirm = async (): Promise<void> => {
    const failed: string[] = [];
    for (const queue of queues) {
      try {
        await (isPurge ? purgeQueue(queue.vhost, queue.name) : deleteQueue(queue.vhost, queue.name, onlyEmpty));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        failed.push(`${queue.name}: ${error.reason}`);
      }
    }
    askAgain();
    if (failed.length > 0) throw new ApiError(400, "some", `${failed.length} of ${queues.length} stay. ${failed.slice(0, 3).join(" ")}`);
    say(`${isPurge ? "Purged" : "Deleted"} ${what}`);
    clear?.();
    onDone?.();
  };
  return (
    <ConfirmDialog
      title={`${isPurge ? "Purge" : "Delete"} ${what}`}
      losses={losses}
      typed={queues.length === 1 ? what : `${act} ${what}`}
      act={isPurge ? `Purge ${wholeCount(ready)}` : `Delete ${queues.length === 1 ? "queue" : what}`}
      keep={isPurge ? "Keep messages" : queues.length === 1 ? "Keep queue" : "Keep queues"}
      onClose={onClose}
      onConfirm={confirm}
    >
      {isPurge ? (
        sum((queue) => queue.messages_unacknowledged) > 0 && (
          <p>The {wholeCount(sum((queue) => queue.messages_unacknowledged))} messages in the hands of consumers stay.</p>
        )
      ) : (
        <label class="row">
          <Checkbox label="Only if empty" checked={onlyEmpty} onChange={setOnlyEmpty} />
          <span>Skip queues that are not empty: {wholeCount(empty)} of {wholeCount(queues.length)} would go</span>
        </label>
      )}
    </ConfirmDialog>
  );
}
