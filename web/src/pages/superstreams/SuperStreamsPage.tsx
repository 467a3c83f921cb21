import { Badge } from "../../components/Badge";
import { Count, Figure } from "../../components/Figure";
import { PageHead } from "../../components/PageHead";
import { bytes } from "../../format/bytes";
import { bareRate } from "../../format/rate";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { places } from "../../route/places";
import { useStore } from "../../state/store";
import { chosenVhost } from "../../state/vhost";
import { streamTabs } from "../streams/streamTabs";
import type { SuperStreamRow } from "./superStream";

const COLUMNS: readonly Column<SuperStreamRow>[] = [
  {
    id: "name", title: "Super stream", label: "Super stream", isFluid: true, value: (row) => row.name,
    cell: (row) => (
      <>
        <a class="name" href={places.superStream(row.vhost, row.name)} title={row.name}>{row.name}</a>
        <span class="meta"><span>{row.vhost}</span></span>
      </>
    ),
  },
  { id: "vhost", title: "Virtual host", label: "Virtual host", width: "p3", class: "sub", word: "vhost", value: (row) => row.vhost, cell: (row) => row.vhost },
  { id: "type", title: "Exchange", label: "Exchange type", width: "p3", word: "type", value: (row) => row.type, cell: (row) => <Badge>{row.type}</Badge> },
  { id: "partitions", title: "Partitions", label: "Partitions", isNumber: true, width: "p2", word: "partitions", value: (row) => row.partitions_count, cell: (row) => <Count value={row.partitions_count} /> },
  { id: "messages", title: "Messages", label: "Messages", isNumber: true, word: "messages", value: (row) => row.messages, cell: (row) => <Count value={row.messages} /> },
  { id: "in", title: <>Written<span class="u"> /s</span></>, label: "Written a second", isNumber: true, width: "p2", word: "in", value: (row) => row.rate_in, cell: (row) => <Figure parts={bareRate(row.rate_in)} /> },
  { id: "out", title: <>Read<span class="u"> /s</span></>, label: "Read a second", isNumber: true, width: "p2", word: "out", value: (row) => row.rate_out, cell: (row) => <Figure parts={bareRate(row.rate_out)} /> },
  { id: "readers", title: "Readers", label: "Readers", isNumber: true, width: "p2", word: "readers", value: (row) => row.consumers, cell: (row) => <Count value={row.consumers} /> },
  { id: "size", title: "Size", label: "Bytes", isNumber: true, width: "p3", word: "size", value: (row) => row.size_bytes, cell: (row) => <Figure parts={bytes(row.size_bytes)} /> },
];

/** Super streams: streams that share a name and its keys. */
export function SuperStreamsPage() {
  const vhost = useStore(chosenVhost);
  return (
    <>
      <PageHead title="Streams" tabs={streamTabs("super-streams", true)} />
      <ListView<SuperStreamRow>
        id="super-streams"
        what="super streams"
        icon="stream"
        route={vhost === "" ? ["stream", "super-streams"] : ["stream", "super-streams", vhost]}
        columns={COLUMNS}
        sort={[{ id: "in", isDown: true }]}
        nameOf={(row) => row.name}
        keyOf={(row) => `${row.vhost}/${row.name}`}
        placeholder="Name, or  partitions:>8"
        onOpen={(row) => { location.hash = places.superStream(row.vhost, row.name); }}
        empty={{
          title: "There is no super stream",
          text: <>It is an exchange with the argument <code>x-super-stream</code> that is bound to streams, its partitions. Stream clients make one, and <code>PUT /api/stream/super-streams/{"{vhost}/{name}"}</code>.</>,
        }}
      />
    </>
  );
}
