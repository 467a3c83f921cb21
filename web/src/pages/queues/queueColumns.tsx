import { rateOf } from "../../api/counters";
import type { Queue } from "../../api/types";
import { Count, Figure } from "../../components/Figure";
import { StateMark } from "../../components/StateMark";
import { age } from "../../format/age";
import { bytes } from "../../format/bytes";
import { bareRate, rate } from "../../format/rate";
import type { Column } from "../../list/column";
import { places } from "../../route/places";
import { FeatureMarks } from "./FeatureMarks";
import { ReadySpark } from "./ReadySpark";

/** What the list asks the broker for. */
export const QUEUE_FIELDS = [
  "name,vhost,type,node,state,durable,auto_delete,exclusive,arguments,policy,operator_policy",
  "effective_policy_definition,consumers,consumer_utilisation,memory,message_bytes,head_message_timestamp,idle_since",
  "messages,messages_ready,messages_unacknowledged,messages_details.rate,messages_ready_details.rate",
  "message_stats.publish_details.rate,message_stats.deliver_get_details.rate,message_stats.ack_details.rate",
  "message_stats.redeliver_details.rate,slave_nodes,synchronised_slave_nodes,members,online",
].join(",");

export const keyOfQueue = (queue: Queue): string => `${queue.vhost} ${queue.name}`;

/** The state as it is shown: one that moves nothing and was idle for long is idle. */
export function stateOfQueue(queue: Queue): string {
  return queue.state ?? "running";
}

export const inRate = (queue: Queue): number | undefined => rateOf(queue.message_stats, "publish") ?? zeroIfTold(queue);
export const outRate = (queue: Queue): number | undefined => rateOf(queue.message_stats, "deliver_get") ?? zeroIfTold(queue);

/** A queue that was never used has no counters: its rates are 0, unless its node is away. */
function zeroIfTold(queue: Queue): number | undefined {
  return queue.messages === undefined ? undefined : 0;
}

/** How long the head has waited, in milliseconds, where its message tells a time. */
export function headAge(queue: Queue, now: number): number | undefined {
  const at = queue.head_message_timestamp;
  return typeof at === "number" ? Math.max(0, now - at * 1000) : undefined;
}

const grows = (queue: Queue): boolean =>
  (queue.messages_ready ?? 0) > 1000 && (queue.messages_ready_details?.rate ?? 0) > 0;

const isUnattended = (queue: Queue): boolean => queue.consumers === 0 && (queue.messages_ready ?? 0) > 0 && queue.type !== "stream";

export const QUEUE_COLUMNS: readonly Column<Queue>[] = [
  {
    id: "name", title: "Name", label: "Name", isFluid: true, serverKey: "name",
    value: (queue) => queue.name,
    cell: (queue) => (
      <>
        <a class="name" href={places.queue(queue.vhost, queue.name)} title={queue.name}>{queue.name}</a>
        <FeatureMarks queue={queue} />
        <span class="meta">
          <StateMark state={stateOfQueue(queue)} />
          <span>{queue.vhost}</span>
          <span><Figure parts={rate(inRate(queue))} /> in</span>
        </span>
      </>
    ),
  },
  { id: "vhost", title: "Virtual host", label: "Virtual host", width: "p3", class: "sub", serverKey: "vhost", word: "vhost", value: (queue) => queue.vhost, cell: (queue) => queue.vhost },
  { id: "type", title: "Type", label: "Type", width: "p3", class: "sub", serverKey: "type", word: "type", value: (queue) => queue.type ?? "classic", cell: (queue) => queue.type ?? "classic" },
  { id: "state", title: "State", label: "State", width: "p2", serverKey: "state", word: "state", value: stateOfQueue, cell: (queue) => <StateMark state={stateOfQueue(queue)} title={queue.idle_since && `idle since ${queue.idle_since}`} /> },
  { id: "ready", title: "Ready", label: "Ready", isNumber: true, serverKey: "messages_ready", word: "ready", value: (queue) => queue.messages_ready, cell: (queue) => <Count value={queue.messages_ready} missing="the node of the queue does not answer" />, look: (queue) => (grows(queue) || isUnattended(queue) ? "hot" : undefined) },
  { id: "unacked", title: "Unacked", label: "Unacked", isNumber: true, width: "p2", serverKey: "messages_unacknowledged", word: "unacked", value: (queue) => queue.messages_unacknowledged, cell: (queue) => <Count value={queue.messages_unacknowledged} /> },
  { id: "total", title: "Total", label: "Total", isNumber: true, isExtra: true, width: "p2", serverKey: "messages", word: "messages", value: (queue) => queue.messages, cell: (queue) => <Count value={queue.messages} /> },
  { id: "in", title: <>In<span class="u"> /s</span></>, label: "In a second", isNumber: true, width: "p2", serverKey: "message_stats.publish_details.rate", word: "in", value: inRate, cell: (queue) => <Figure parts={bareRate(inRate(queue))} /> },
  { id: "out", title: <>Out<span class="u"> /s</span></>, label: "Out a second", isNumber: true, width: "p2", serverKey: "message_stats.deliver_get_details.rate", word: "out", value: outRate, cell: (queue) => <Figure parts={bareRate(outRate(queue))} /> },
  { id: "ack", title: <>Ack<span class="u"> /s</span></>, label: "Acknowledged a second", isNumber: true, isExtra: true, width: "p2", serverKey: "message_stats.ack_details.rate", value: (queue) => rateOf(queue.message_stats, "ack"), cell: (queue) => <Figure parts={bareRate(rateOf(queue.message_stats, "ack") ?? zeroIfTold(queue))} /> },
  { id: "redelivered", title: <>Redelivered<span class="u"> /s</span></>, label: "Redelivered a second", isNumber: true, isExtra: true, width: "p3", serverKey: "message_stats.redeliver_details.rate", value: (queue) => rateOf(queue.message_stats, "redeliver"), cell: (queue) => <Figure parts={bareRate(rateOf(queue.message_stats, "redeliver") ?? zeroIfTold(queue))} /> },
  { id: "spark", title: "Ready, 10 m", label: "Ready, 10 m", isUnsortable: true, value: () => undefined, cell: (queue) => <ReadySpark queue={queue} /> },
  { id: "oldest", title: "Oldest", label: "Oldest in ms", isNumber: true, isAge: true, width: "p3", word: "oldest", value: (queue) => headAge(queue, Date.now()), cell: (queue) => <Figure parts={age(headAge(queue, Date.now()))} title="of messages that carry a time" /> },
  { id: "consumers", title: "Consumers", label: "Consumers", isNumber: true, width: "p2", serverKey: "consumers", word: "consumers", value: (queue) => queue.consumers, cell: (queue) => <Count value={queue.consumers} />, look: (queue) => (isUnattended(queue) ? "hot" : undefined) },
  { id: "size", title: "Size", label: "Bytes", isNumber: true, width: "p3", serverKey: "message_bytes", word: "size", value: (queue) => queue.message_bytes, cell: (queue) => <Figure parts={bytes(queue.message_bytes)} /> },
  { id: "memory", title: "Memory", label: "Memory in bytes", isNumber: true, isExtra: true, width: "p3", serverKey: "memory", word: "memory", value: (queue) => queue.memory, cell: (queue) => <Figure parts={bytes(queue.memory)} /> },
  { id: "node", title: "Node", label: "Node", isExtra: true, width: "p3", class: "sub", serverKey: "node", word: "node", value: (queue) => queue.node, cell: (queue) => queue.node },
  { id: "policy", title: "Policy", label: "Policy", width: "p3", class: "sub", serverKey: "policy", word: "policy", value: (queue) => queue.policy ?? undefined, cell: (queue) => (queue.policy ? <a href={places.policy(queue.vhost, queue.policy)}>{queue.policy}</a> : <span class="dim" title="no policy matches">–</span>) },
];
