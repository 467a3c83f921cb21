import { useEffect, useState } from "preact/hooks";
import { forgetNode, harmWithout, setDrained, type Harm, type Member } from "../../api/cluster";
import { ApiError } from "../../api/http";
import { AskDialog } from "../../components/AskDialog";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Note } from "../../components/Note";
import { many } from "../../format/many";
import { askAgain } from "../../state/polling";
import { say, sayFailed } from "../../state/toasts";

/** What can be done with a node: drain it and take it back, or forget one that is gone. */
export function MemberActs({ member }: { member: Member }) {
  const [asked, setAsked] = useState<"drain" | "forget" | null>(null);
  const undrain = async (): Promise<void> => {
    try {
      await setDrained(member.name, false);
      askAgain();
      say(`${member.name} leads queues again`);
    } catch (error) {
      sayFailed(`undrain ${member.name}`, error);
    }
  };
  return (
    <div class="row wrap">
      {member.state === "active" && member.running && <Button look="s" onPress={() => setAsked("drain")}>Drain…</Button>}
      {member.state !== "active" && <Button look="s" onPress={() => void undrain()}>Undrain</Button>}
      {!member.running && <Button look="s" icon="trash" onPress={() => setAsked("forget")}>Forget…</Button>}
      {asked === "drain" && <DrainDialog member={member} onClose={() => setAsked(null)} />}
      {asked === "forget" && (
        <ConfirmDialog
          title={`Forget ${member.name}`}
          losses={[{ amount: member.replicas, what: "replicas are made on other nodes; what only this node has is lost" }]}
          typed={member.name}
          act="Forget node"
          keep="Keep node"
          onClose={() => setAsked(null)}
          onConfirm={async () => {
            await forgetNode(member.name);
            askAgain();
            say(`Forgot ${member.name}`);
          }}
        />
      )}
    </div>
  );
}

function DrainDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const [harm, setHarm] = useState<Harm | null>(null);
  const [fault, setFault] = useState("");
  useEffect(() => {
    harmWithout(member.name).then(setHarm, (error: unknown) => setFault(error instanceof ApiError ? error.reason : String(error)));
  }, []);
  return (
    <AskDialog
      title={`Drain ${member.name}`}
      act="Drain node"
      onClose={onClose}
      onConfirm={async () => {
        await setDrained(member.name, true);
        askAgain();
        say(`${member.name} gives its leaders away`);
      }}
    >
      <p>
        It gives the {many(member.leaders, "queue")} that it leads to other members, and leads nothing until it is undrained.
        Its replicas stay. Then it can be stopped.
      </p>
      {harm?.safe && <Note look="ok">No queue needs it: it can be stopped once it leads nothing.</Note>}
      {harm !== null && !harm.safe && (
        <Note look="warn">{many(harm.count, "queue")} would stop with it: wait with its end until their mirrors are in sync.</Note>
      )}
      {fault !== "" && <Note look="bad">{fault}</Note>}
    </AskDialog>
  );
}
