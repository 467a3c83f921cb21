import { useEffect, useState } from "preact/hooks";
import { askPromotion, promote, type Promotion } from "../../api/cluster";
import { ApiError } from "../../api/http";
import type { Queue } from "../../api/types";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Dialog } from "../../components/Dialog";
import { Note } from "../../components/Note";
import { askAgain } from "../../state/polling";
import { say } from "../../state/toasts";

interface Props {
  queue: Queue;
  node: string;
  onClose: () => void;
}

/** Before a replica leads alone that is not in sync, or is damaged: the broker says what is lost, and the name is typed. */
export function PromoteDialog({ queue, node, onClose }: Props) {
  const [asked, setAsked] = useState<Promotion | null>(null);
  const [fault, setFault] = useState("");
  useEffect(() => {
    askPromotion(queue.vhost, queue.name, node).then(setAsked, (error: unknown) => setFault(error instanceof ApiError ? error.reason : String(error)));
  }, []);
  const title = `Promote ${node} with accepted loss`;
  const refusal = fault || (asked !== null && !asked.possible ? asked.refusal : "");
  if (asked === null || refusal !== "") {
    return (
      <Dialog title={title} onClose={onClose} foot={<><span class="push" /><Button onPress={onClose}>Close</Button></>}>
        {refusal === "" ? <p>The broker looks at what would be lost…</p> : <Note look="bad">{refusal}</Note>}
      </Dialog>
    );
  }
  return (
    <ConfirmDialog
      title={title}
      losses={[{ amount: "?", what: asked.leads ? `messages that ${node} cannot read` : `messages that only ${asked.members.join(", ")} had` }]}
      typed={queue.name}
      act="Accept loss and promote"
      keep="Wait for the members"
      onClose={onClose}
      onConfirm={async () => {
        const { epoch } = await promote(queue.vhost, queue.name, node);
        askAgain();
        say(`${node} leads ${queue.name} in epoch ${epoch}`);
      }}
    >
      {asked.warnings.map((each) => <Note key={each} look="bad">{each}</Note>)}
      <Note look="warn">{asked.loss}</Note>
    </ConfirmDialog>
  );
}
