import type { QueueInDanger } from "../../api/cluster";
import { request } from "../../api/http";
import { Badge } from "../../components/Badge";
import { Empty } from "../../components/Empty";
import { Failed } from "../../components/Failed";
import { Panel } from "../../components/Panel";
import { StateMark } from "../../components/StateMark";
import { many } from "../../format/many";
import { places } from "../../route/places";
import { usePolled } from "../../state/polling";
import { dangerWord } from "./cluster";

const SHOWN_MAX = 50;

/** Queues with fewer mirrors than they should have, the worst first. */
export function DangerPanel({ mirrored }: { mirrored: number }) {
  const told = usePolled("cluster queues", (signal) => request<QueueInDanger[]>("GET", ["cluster", "queues"], { signal }));
  const queues = told.data ?? [];
  const more = queues.length - SHOWN_MAX;
  return (
    <Panel title="Mirrors" note={queues.length === 0 ? `${many(mirrored, "mirrored queue")}, all in sync` : `${queues.length} in danger, worst first`} clip foot={more > 0 ? `${more} more` : undefined}>
      {told.error && <Failed what="The list of queues in danger" error={told.error} />}
      {!told.error && queues.length === 0 && (
        <Empty icon="check" title="Every mirror is in sync">Queues that lose a mirror or their leader would stand here.</Empty>
      )}
      {queues.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th class="fluid" scope="col">Queue</th><th class="p2" scope="col">Virtual host</th><th scope="col">Danger</th>
              <th class="p2" scope="col">Leader</th><th class="num" scope="col">In sync</th><th class="num p3" scope="col">Needs</th><th class="num p3" scope="col">Epoch</th>
            </tr>
          </thead>
          <tbody>
            {queues.slice(0, SHOWN_MAX).map((queue) => (
              <tr key={`${queue.vhost} ${queue.name}`}>
                <td class="fluid"><a class="name" href={queue.exchange === null ? places.queue(queue.vhost, queue.name) : places.exchange(queue.vhost, queue.exchange)} title={queue.name}>{queue.name}</a> {!queue.clean && <Badge look="warn">promoted with loss</Badge>}</td>
                <td class="p2">{queue.vhost}</td>
                <td><StateMark state={dangerWord(queue.danger)} /></td>
                <td class="p2">{queue.leader || <span class="dim">nobody</span>}</td>
                <td class="num">{queue.replicas.filter((each) => each.in_sync && each.online).length} of {queue.replicas.length}</td>
                <td class="num p3">{queue.min_isr}</td>
                <td class="num p3">{queue.epoch}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
