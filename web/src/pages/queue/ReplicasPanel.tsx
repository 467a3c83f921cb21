import { useState } from "preact/hooks";
import { addReplica, moveLeader, removeReplica, type Replica } from "../../api/cluster";
import type { Queue } from "../../api/types";
import { AskDialog } from "../../components/AskDialog";
import { Badge } from "../../components/Badge";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Count } from "../../components/Figure";
import { IconButton } from "../../components/IconButton";
import { Panel } from "../../components/Panel";
import { Select } from "../../components/Select";
import { StateMark } from "../../components/StateMark";
import { useCluster } from "../../state/cluster";
import { askAgain } from "../../state/polling";
import { useRights } from "../../state/rights";
import { say } from "../../state/toasts";
import { replicaState } from "../nodes/cluster";
import { PromoteDialog } from "./PromoteDialog";

type Asked = { act: "lead" | "remove" | "promote" | "add"; node: string };

/** Where a mirrored queue is: who leads, who is in sync, who is behind; nothing for another queue. */
export function ReplicasPanel({ queue }: { queue: Queue }) {
  const rights = useRights();
  const cluster = useCluster();
  const [asked, setAsked] = useState<Asked | null>(null);
  const replicas = queue.replicas ?? [];
  if (replicas.length === 0) return null;
  const isDown = queue.state === "down";
  const others = (cluster?.nodes ?? []).map((node) => node.name).filter((name) => replicas.every((each) => each.node !== name));
  const close = (): void => setAsked(null);
  const safe = replicas.filter((each) => each.in_sync && each.online).length;
  return (
    <Panel
      title="Replicas"
      note={`${safe} of ${replicas.length} in sync, ${queue.min_isr ?? 1} needed, epoch ${queue.epoch ?? 0}`}
      clip
      acts={rights.isAdministrator && others.length > 0 && <Button look="s" icon="plus" onPress={() => setAsked({ act: "add", node: others[0] ?? "" })}>Add replica…</Button>}
      foot={standsStill(queue, replicas) ? `${queue.node} cannot read all of this queue, and no other member runs with its disk: start who is away, or promote ${queue.node}, which gives up what it cannot read.` : queue.clean === false ? "A replica that was not in sync was promoted here: what only the others had is lost." : undefined}
    >
      <table class="table">
        <thead>
          <tr><th class="fluid" scope="col">Node</th><th scope="col">Role</th><th scope="col">State</th><th class="num" scope="col">Behind</th>{rights.isAdministrator && <th class="num" scope="col">Acts</th>}</tr>
        </thead>
        <tbody>
          {replicas.map((replica) => (
            <tr key={replica.node}>
              <td class="fluid"><span class="cut" title={replica.node}>{replica.node}</span></td>
              <td>{isLeader(queue, replica) ? <Badge look="ok">leader</Badge> : replica.node === queue.node ? "led it" : "mirror"}</td>
              <td><StateMark state={replicaState(replica)} /></td>
              <td class="num">{isLeader(queue, replica) ? <span class="dim">–</span> : <Count value={replica.lag ?? undefined} />}</td>
              {rights.isAdministrator && (
                <td class="num nowrap">
                  {!isLeader(queue, replica) && replica.in_sync && replica.online && !isDown && <Button look="ghost s" onPress={() => setAsked({ act: "lead", node: replica.node })}>Lead…</Button>}
                  {mayPromote(queue, replica) && <Button look="ghost s" onPress={() => setAsked({ act: "promote", node: replica.node })}>Promote…</Button>}
                  {replicas.length > 1 && !isLeader(queue, replica) && <IconButton icon="trash" label={`Remove the replica on ${replica.node}…`} onPress={() => setAsked({ act: "remove", node: replica.node })} />}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {asked?.act === "lead" && (
        <AskDialog title={`Have ${asked.node} lead ${queue.name}`} act="Move leader" onClose={close} onConfirm={async () => done(`${(await moveLeader(queue.vhost, queue.name, asked.node)).leader} leads ${queue.name}`)}>
          <p>Publishers wait until it has all records, mostly well under a second. Consumers go on by themselves; what they hold unacked comes again.</p>
        </AskDialog>
      )}
      {asked?.act === "add" && (
        <AskDialog title={`Add a replica of ${queue.name}`} act="Add replica" onClose={close} onConfirm={async () => done(`${asked.node} gets a replica`, await addReplica(queue.vhost, queue.name, asked.node))}>
          <Select label="Node" hint="It catches up while the queue goes on, and is in sync afterwards." value={asked.node} choices={others.map((name) => ({ id: name, title: name }))} onChoose={(node) => setAsked({ act: "add", node })} />
        </AskDialog>
      )}
      {asked?.act === "remove" && (
        <ConfirmDialog
          title={`Remove the replica on ${asked.node}`}
          losses={[{ amount: 1, what: `copy of ${queue.name}; ${replicas.length - 1} stay` }]}
          typed=""
          act="Remove replica"
          keep="Keep replica"
          onClose={close}
          onConfirm={async () => done(`Removed the replica on ${asked.node}`, await removeReplica(queue.vhost, queue.name, asked.node))}
        />
      )}
      {asked?.act === "promote" && <PromoteDialog queue={queue} node={asked.node} onClose={close} />}
    </Panel>
  );
}

/** Whether only an operator can have it go on: no member has all of it. */
function standsStill(queue: Queue, replicas: Replica[]): boolean {
  const members = replicas.filter((each) => each.in_sync);
  return members.length > 1 && members.every((each) => (isLeader(queue, each) ? each.damaged : !each.online));
}

/** Whether an operator may have a replica lead alone: nobody leads, or who does cannot read all that it has. */
function mayPromote(queue: Queue, replica: Replica): boolean {
  if (isLeader(queue, replica)) return replica.damaged;
  const runs = replica.online || replica.other_disk;
  return queue.state === "down" && runs && (!replica.in_sync || replica.other_disk);
}

/** Who leads now: the broker names nobody where nobody does. */
function isLeader(queue: Queue, replica: Replica): boolean {
  return replica.node === queue.node && replica.online && queue.state !== "down";
}

function done(text: string, _answer?: void): void {
  askAgain();
  say(text);
}
