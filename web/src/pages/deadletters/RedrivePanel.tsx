import { useState } from "preact/hooks";
import { beginMove, ORIGIN } from "../../api/jobs";
import { Button } from "../../components/Button";
import { Field } from "../../components/Field";
import { Note } from "../../components/Note";
import { Panel } from "../../components/Panel";
import { wholeCount } from "../../format/count";
import { askAgain } from "../../state/polling";
import { say, sayFailed } from "../../state/toasts";

/** The way back of dead letters: how many, and the act. */
export function RedrivePanel({ vhost, name, ready }: { vhost: string; name: string; ready: number }) {
  const [limit, setLimit] = useState("");
  const wanted = limit === "" ? undefined : Math.max(0, Math.floor(Number(limit) || 0));
  const count = Math.min(ready, wanted ?? ready);
  const start = async (): Promise<void> => {
    try {
      await beginMove(vhost, name, { dest: ORIGIN, count: wanted });
      askAgain();
      say(`Redriving ${wholeCount(count)} from ${name}`);
    } catch (error) {
      sayFailed(`redrive ${name}`, error);
    }
  };
  return (
    <Panel title="Next redrive" note="each message goes back to the queue it died in first">
      <div class="pad stack">
        <Field label="How many" hint="the oldest first; empty is all that are ready" type="number" value={limit} onInput={setLimit} />
        <div class="row wrap">
          <Note look="ok" icon="check">Their x-death history stays.</Note>
          <span class="push" />
          <Button look="primary" icon="undo" disabled={count === 0} onPress={() => void start()}>{`Redrive ${wholeCount(count)}`}</Button>
        </div>
      </div>
    </Panel>
  );
}
