import { rateOf } from "../../api/counters";
import { request } from "../../api/http";
import type { Page, Queue } from "../../api/types";
import { Count, Figure } from "../../components/Figure";
import { Panel } from "../../components/Panel";
import { StateMark } from "../../components/StateMark";
import { bareRate } from "../../format/rate";
import { places } from "../../route/places";
import { href } from "../../route/router";
import { usePolled } from "../../state/polling";

const FIELDS = "name,vhost,state,messages_ready,messages_unacknowledged,consumers,message_stats.publish_details.rate";
const ROWS = 6;

/** The queues that hold the most messages. */
export function LongestQueues() {
  const told = usePolled("queues longest", (signal) =>
    request<Page<Queue>>("GET", ["queues"], {
      query: { page: 1, page_size: ROWS, sort: "messages", sort_reverse: "true", columns: FIELDS },
      signal,
    }),
  );
  const queues = told.data?.items ?? [];
  return (
    <Panel title="Longest queues" note="by messages" clip acts={<a class="btn ghost s" href={href(["queues"])}>All</a>}>
      <table class="table">
        <thead>
          <tr>
            <th class="fluid" scope="col">Queue</th>
            <th class="p2" scope="col">State</th>
            <th class="num" scope="col">Ready</th>
            <th class="num" scope="col">Unacked</th>
            <th class="num p2" scope="col">In<span class="u"> /s</span></th>
            <th class="num" scope="col">Consumers</th>
          </tr>
        </thead>
        <tbody>
          {queues.map((queue) => (
            <tr key={`${queue.vhost} ${queue.name}`}>
              <td class="fluid"><a class="name" href={places.queue(queue.vhost, queue.name)}>{queue.name}</a> <span class="dim">{queue.vhost}</span></td>
              <td class="p2"><StateMark state={queue.state ?? "running"} /></td>
              <td class="num"><Count value={queue.messages_ready} /></td>
              <td class="num"><Count value={queue.messages_unacknowledged} /></td>
              <td class="num p2"><Figure parts={bareRate(rateOf(queue.message_stats, "publish") ?? 0)} /></td>
              <td class={queue.consumers === 0 && (queue.messages_ready ?? 0) > 0 ? "num hot" : "num"}><Count value={queue.consumers} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
