import { useMemo } from "preact/hooks";
import { clientOf } from "../../api/clients";
import type { Consumer } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Count } from "../../components/Figure";
import { PageHead } from "../../components/PageHead";
import { StateMark } from "../../components/StateMark";
import { cutMiddle } from "../../format/names";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { places } from "../../route/places";
import { useClientNames } from "../../state/clientNames";
import { useStore } from "../../state/store";
import { chosenVhost } from "../../state/vhost";

const stateOf = (consumer: Consumer): string =>
  consumer.activity_status === "waiting" ? "waiting" : consumer.active === false ? "idle" : "up";

const columnsOf = (names: ReadonlyMap<string, string>): readonly Column<Consumer>[] => [
  { id: "queue", title: "Queue", label: "Queue", isFluid: true, word: "queue", value: (consumer) => consumer.queue.name, cell: (consumer) => <a class="name" href={places.queue(consumer.queue.vhost, consumer.queue.name)}>{consumer.queue.name}</a> },
  { id: "vhost", title: "Virtual host", label: "Virtual host", width: "p3", class: "sub", word: "vhost", value: (consumer) => consumer.queue.vhost, cell: (consumer) => consumer.queue.vhost },
  { id: "tag", title: "Tag", label: "Tag", width: "p2", class: "mono", word: "tag", value: (consumer) => consumer.consumer_tag, cell: (consumer) => <span title={consumer.consumer_tag}>{cutMiddle(consumer.consumer_tag, 24)}</span> },
  { id: "client", title: "Client", label: "Client", width: "p2", word: "client", value: (consumer) => clientOf(consumer.channel_details, names), cell: (consumer) => <a href={places.connection(consumer.channel_details.connection_name)} title={consumer.channel_details.name}>{clientOf(consumer.channel_details, names)}</a> },
  { id: "channel", title: "Channel", label: "Channel", width: "p3", class: "sub", isExtra: true, word: "channel", value: (consumer) => consumer.channel_details.name, cell: (consumer) => <a href={places.connection(consumer.channel_details.connection_name)} title={consumer.channel_details.name}>{consumer.channel_details.peer_host}:{consumer.channel_details.peer_port} ({consumer.channel_details.number})</a> },
  { id: "user", title: "User", label: "User", width: "p3", class: "sub", word: "user", value: (consumer) => consumer.channel_details.user, cell: (consumer) => consumer.channel_details.user ?? "" },
  { id: "state", title: "State", label: "State", width: "p2", word: "state", value: stateOf, cell: (consumer) => <StateMark state={stateOf(consumer)} /> },
  { id: "prefetch", title: "Prefetch", label: "Prefetch", isNumber: true, word: "prefetch", value: (consumer) => consumer.prefetch_count, cell: (consumer) => (consumer.prefetch_count ? <Count value={consumer.prefetch_count} /> : <span class="dim" title="no limit">–</span>) },
  { id: "acks", title: "Acks", label: "Acknowledges", width: "p3", word: "acks", value: (consumer) => String(consumer.ack_required), cell: (consumer) => (consumer.ack_required ? "yes" : <Badge>no ack</Badge>) },
];

/** All consumers. */
export function ConsumersPage() {
  const vhost = useStore(chosenVhost);
  const names = useClientNames();
  const columns = useMemo(() => columnsOf(names), [names]);
  return (
    <>
      <PageHead title="Consumers" />
      <ListView<Consumer>
        id="consumers"
        what="consumers"
        icon="consumer"
        route={vhost === "" ? ["consumers"] : ["consumers", vhost]}
        columns={columns}
        sort={[{ id: "queue", isDown: false }]}
        nameOf={(consumer) => `${consumer.queue.name} ${consumer.consumer_tag} ${clientOf(consumer.channel_details, names)} ${consumer.channel_details.name}`}
        keyOf={(consumer) => `${consumer.channel_details.name} ${consumer.consumer_tag}`}
        placeholder="Queue, tag, address, or  prefetch:<10"
        onOpen={(consumer) => { location.hash = places.queue(consumer.queue.vhost, consumer.queue.name, { tab: "consumers" }); }}
        empty={{ title: "Nobody consumes", text: "Messages wait in their queues until a client consumes from them." }}
      />
    </>
  );
}
