import { useState } from "preact/hooks";
import { beginMove, ORIGIN } from "../../api/jobs";
import { Button } from "../../components/Button";
import { Note } from "../../components/Note";
import { Panel } from "../../components/Panel";
import { askAgain } from "../../state/polling";
import { say, sayFailed } from "../../state/toasts";
import { actOf, EMPTY_FORM, wantedMove } from "../jobs/moveForm";
import { MoveFields } from "../jobs/MoveFields";

/** The way back of dead letters: how many, and the act. */
export function RedrivePanel({ vhost, name, ready }: { vhost: string; name: string; ready: number }) {
  const [form, setForm] = useState(EMPTY_FORM);
  const start = async (): Promise<void> => {
    try {
      await beginMove(vhost, name, { dest: ORIGIN, ...wantedMove(form) });
      askAgain();
      say(`Redriving from ${name}`);
    } catch (error) {
      sayFailed(`redrive ${name}`, error);
    }
  };
  return (
    <Panel title="Next redrive" note="each message goes back to the queue it died in first">
      <div class="pad stack">
        <MoveFields form={form} onChange={setForm} />
        <div class="row wrap">
          <Note look="ok" icon="check">Their x-death history stays.</Note>
          <span class="push" />
          <Button look="primary" icon="undo" disabled={ready === 0} onPress={() => void start()}>{actOf("Redrive", form, ready)}</Button>
        </div>
      </div>
    </Panel>
  );
}
