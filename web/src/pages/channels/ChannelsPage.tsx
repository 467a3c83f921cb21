import { useMemo } from "preact/hooks";
import { rateOf } from "../../api/counters";
import type { Channel } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Count, Figure } from "../../components/Figure";
import { PageHead } from "../../components/PageHead";
import { StateMark } from "../../components/StateMark";
import { bareRate } from "../../format/rate";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { places } from "../../route/places";
import { useClientNames } from "../../state/clientNames";
import { useStore } from "../../state/store";
import { chosenVhost } from "../../state/vhost";

const rateColumn = (id: string, title: string, counter: string): Column<Channel> => ({
  id, title: <>{title}<span class="u"> /s</span></>, label: `${title} a second`, isNumber: true, width: "p2", word: id,
  serverKey: `message_stats.${counter}_details.rate`,
  value: (channel) => rateOf(channel.message_stats, counter) ?? 0,
  cell: (channel) => <Figure parts={bareRate(rateOf(channel.message_stats, counter) ?? 0)} />,
});

const columnsOf = (names: ReadonlyMap<string, string>): readonly Column<Channel>[] => [
  {
    id: "name", title: "Channel", label: "Channel", isFluid: true, serverKey: "name", value: (channel) => channel.name,
    cell: (channel) => (
      <>
        <a class="name" href={places.connection(channel.connection_details?.name ?? "")} title={channel.name}>{names.get(channel.connection_details?.name ?? "") ?? channel.name}</a>{" "}
        <span class="dim hide-s">{names.has(channel.connection_details?.name ?? "") ? `channel ${channel.number}` : ""}</span>
        <span class="meta"><StateMark state={channel.state ?? "running"} /><span>{channel.vhost}</span></span>
      </>
    ),
  },
  { id: "vhost", title: "Virtual host", label: "Virtual host", width: "p3", class: "sub", serverKey: "vhost", word: "vhost", value: (channel) => channel.vhost, cell: (channel) => channel.vhost },
  { id: "user", title: "User", label: "User", width: "p3", class: "sub", serverKey: "user", word: "user", value: (channel) => channel.user, cell: (channel) => channel.user },
  { id: "mode", title: "Mode", label: "Mode", width: "p3", word: "mode", value: modeOf, cell: (channel) => (modeOf(channel) ? <Badge>{modeOf(channel)}</Badge> : <span class="dim" title="neither confirms nor transactions">–</span>) },
  { id: "state", title: "State", label: "State", width: "p2", serverKey: "state", word: "state", value: (channel) => channel.state, cell: (channel) => <StateMark state={channel.state ?? "running"} title={channel.idle_since && `idle since ${channel.idle_since}`} /> },
  { id: "consumers", title: "Consumers", label: "Consumers", isNumber: true, width: "p3", serverKey: "consumer_count", word: "consumers", value: (channel) => channel.consumer_count, cell: (channel) => <Count value={channel.consumer_count} /> },
  { id: "prefetch", title: "Prefetch", label: "Prefetch", isNumber: true, width: "p3", serverKey: "prefetch_count", word: "prefetch", value: (channel) => channel.prefetch_count, cell: (channel) => (channel.prefetch_count ? <Count value={channel.prefetch_count} /> : <span class="dim" title="no limit">–</span>) },
  { id: "unacked", title: "Unacked", label: "Unacked", isNumber: true, serverKey: "messages_unacknowledged", word: "unacked", value: (channel) => channel.messages_unacknowledged, cell: (channel) => <Count value={channel.messages_unacknowledged} />, look: (channel) => (channel.prefetch_count && (channel.messages_unacknowledged ?? 0) >= channel.prefetch_count ? "hot" : undefined) },
  { id: "unconfirmed", title: "Unconfirmed", label: "Unconfirmed", isNumber: true, width: "p3", isExtra: true, serverKey: "messages_unconfirmed", word: "unconfirmed", value: (channel) => channel.messages_unconfirmed, cell: (channel) => <Count value={channel.messages_unconfirmed} /> },
  rateColumn("published", "Published", "publish"),
  rateColumn("delivered", "Delivered", "deliver_get"),
  rateColumn("acked", "Acked", "ack"),
];

function modeOf(channel: Channel): string {
  if (channel.confirm) return "confirms";
  return channel.transactional ? "transactions" : "";
}

/** All channels. */
export function ChannelsPage() {
  const vhost = useStore(chosenVhost);
  const names = useClientNames();
  const columns = useMemo(() => columnsOf(names), [names]);
  return (
    <>
      <PageHead title="Channels" />
      <ListView<Channel>
        id="channels"
        what="channels"
        icon="channel"
        route={vhost === "" ? ["channels"] : ["vhosts", vhost, "channels"]}
        columns={columns}
        sort={[{ id: "unacked", isDown: true }]}
        nameOf={(channel) => `${names.get(channel.connection_details?.name ?? "") ?? ""} ${channel.name}`}
        keyOf={(channel) => channel.name}
        placeholder="Name, or  unacked:>100  mode:confirms"
        onOpen={(channel) => { location.hash = places.connection(channel.connection_details?.name ?? ""); }}
        empty={{ title: "No channel is open", text: "A client opens channels on its connection to publish and to consume." }}
      />
    </>
  );
}
