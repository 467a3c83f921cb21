import { clientOf } from "../../api/clients";
import { rateOf } from "../../api/counters";
import type { Consumer, Queue } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Empty } from "../../components/Empty";
import { Figure } from "../../components/Figure";
import { Panel } from "../../components/Panel";
import { wholeCount } from "../../format/count";
import { cutMiddle } from "../../format/names";
import { rate } from "../../format/rate";
import { places } from "../../route/places";
import { useClientNames } from "../../state/clientNames";

interface Props {
  queue: Queue;
  /** How many to show; without it, all. */
  rowsMax?: number;
}

/** Who consumes, and how fast each one is served. */
export function ConsumersPanel({ queue, rowsMax }: Props) {
  const consumers = queue.consumer_details ?? [];
  const shown = consumers.slice(0, rowsMax ?? consumers.length);
  return (
    <Panel
      title="Consumers"
      note={queue.consumers === 0 ? "none" : wholeCount(queue.consumers ?? consumers.length)}
      clip
      acts={rowsMax !== undefined && <a class="btn ghost s" href={places.queue(queue.vhost, queue.name, { tab: "consumers" })}>All</a>}
    >
      {consumers.length === 0 ? (
        queue.consumers ? (
          <Empty icon="consumer" title="The broker does not tell who consumes" />
        ) : (
          <Empty icon="consumer" title="Nobody consumes">Messages wait until a client consumes from this queue.</Empty>
        )
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th class="fluid" scope="col">Consumer</th>
              <th class="p2" scope="col">Tag</th>
              <th class="num" scope="col">Prefetch</th>
              <th class="num" scope="col">Delivered</th>
              <th class="num p2" scope="col">Acks</th>
              <th class="p3" scope="col"><span class="vh">What is special</span></th>
            </tr>
          </thead>
          <tbody>{shown.map((consumer) => <ConsumerRow key={`${consumer.channel_details.name} ${consumer.consumer_tag}`} queue={queue} consumer={consumer} />)}</tbody>
        </table>
      )}
    </Panel>
  );
}

function ConsumerRow({ queue, consumer }: { queue: Queue; consumer: Consumer }) {
  const channel = consumer.channel_details;
  const names = useClientNames();
  const stats = queue.deliveries?.find((delivery) => delivery.channel_details.name === channel.name)?.stats;
  return (
    <tr>
      <td class="fluid">
        <a class="name" href={places.connection(channel.connection_name)} title={channel.name}>{clientOf(channel, names)}</a>{" "}
        <span class="dim hide-s">channel {channel.number}</span>
      </td>
      <td class="mono sub p2" title={consumer.consumer_tag}>{cutMiddle(consumer.consumer_tag, 18)}</td>
      <td class="num">{consumer.prefetch_count === 0 ? <span class="dim" title="no limit">–</span> : wholeCount(consumer.prefetch_count)}</td>
      <td class="num"><Figure parts={rate(rateOf(stats, "deliver_get"))} title="not counted for each consumer" /></td>
      <td class="num p2"><Figure parts={rate(rateOf(stats, "ack"))} title="not counted for each consumer" /></td>
      <td class="p3">
        {!consumer.ack_required && <Badge>no ack</Badge>} {consumer.exclusive && <Badge>exclusive</Badge>}{" "}
        {consumer.activity_status === "single_active" && <Badge look="ok">active</Badge>}
        {consumer.activity_status === "waiting" && <Badge look="line">waiting</Badge>}
      </td>
    </tr>
  );
}
