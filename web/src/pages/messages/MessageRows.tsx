import type { Message } from "../../api/types";
import { Figure } from "../../components/Figure";
import { age } from "../../format/age";
import { bytes } from "../../format/bytes";
import { wholeCount } from "../../format/count";
import { exactMoment } from "../../format/moment";
import type { Column } from "../../list/column";
import { DataTable } from "../../list/DataTable";
import { places } from "../../route/places";
import { useClientNames } from "../../state/clientNames";
import { useMemo } from "preact/hooks";
import { useAddress } from "../../route/router";
import { excerptOf, propertiesOf } from "./body";
import { deathsOf } from "./deaths";
import { pickedOf, picksOf } from "./pickedColumns";

/** Which rows: what is ready, what consumers hold, what a stream has, what comes. */
export type RowKind = "ready" | "unacked" | "stream" | "tail";

interface Row {
  message: Message;
  index: number;
}

const dash = (why: string) => <span class="dim" title={why}>–</span>;

const PLACE: Column<Row> = { id: "position", title: "Position", label: "Position", isNumber: true, isUnsortable: true, value: (row) => row.message.position ?? row.index, cell: (row) => <span class="name">{wholeCount(row.message.position ?? row.index)}</span> };
const OFFSET: Column<Row> = { id: "offset", title: "Offset", label: "Offset", isNumber: true, isUnsortable: true, value: (row) => row.message.offset, cell: (row) => <span class="name">{wholeCount(row.message.offset ?? row.index)}</span> };
const TIME: Column<Row> = { id: "time", title: "Time", label: "Time", isNumber: true, isUnsortable: true, width: "p2", value: (row) => row.message.timestamp, cell: (row) => (row.message.timestamp === undefined ? dash("not told") : exactMoment(row.message.timestamp, Date.now())) };
const AGE: Column<Row> = { id: "age", title: "Age", label: "Age", isNumber: true, width: "p2", isUnsortable: true, value: (row) => ageOf(row.message), cell: (row) => <Figure parts={age(ageOf(row.message))} title="by its own time" /> };
const HELD: Column<Row> = { id: "held", title: "Held", label: "Held for", isNumber: true, isUnsortable: true, value: (row) => row.message.unacked_for_seconds, cell: (row) => <Figure parts={age((row.message.unacked_for_seconds ?? 0) * 1000)} /> };
const HOLDER: Column<Row> = { id: "holder", title: "Held by", label: "Held by", isUnsortable: true, width: "p2", class: "sub", value: (row) => row.message.channel_name, cell: (row) => (row.message.channel_name ? <Holder channel={row.message.channel_name} /> : dash("it is gone meanwhile")) };
const KEY: Column<Row> = { id: "key", title: "Routing key", label: "Routing key", class: "mono", width: "p2", isUnsortable: true, value: (row) => row.message.routing_key, cell: (row) => row.message.routing_key || dash("empty") };
const SIZE: Column<Row> = { id: "size", title: "Size", label: "Size", isNumber: true, isUnsortable: true, value: (row) => row.message.payload_bytes, cell: (row) => <Figure parts={bytes(row.message.payload_bytes)} /> };
const TYPE: Column<Row> = { id: "type", title: "Type", label: "Type", width: "p3", class: "sub", isUnsortable: true, value: (row) => typeOf(row.message), cell: (row) => typeOf(row.message) ?? dash("no content type") };
const DEATHS: Column<Row> = { id: "deaths", title: "Deaths", label: "Deaths", isNumber: true, width: "p2", isUnsortable: true, value: (row) => deathsOf(row.message).length, cell: (row) => deathsOf(row.message).reduce((sum, death) => sum + death.count, 0) || <span class="zero">0</span> };
const BODY: Column<Row> = {
  id: "body", title: "Body", label: "Body", isFluid: true, isUnsortable: true, value: (row) => excerptOf(row.message),
  cell: (row) => (
    <>
      <span class="mono">{excerptOf(row.message) || <span class="dim">empty</span>}</span>
      <span class="meta"><span class="mono">{row.message.routing_key}</span></span>
    </>
  ),
};

const COLUMNS: Record<RowKind, readonly Column<Row>[]> = {
  ready: [PLACE, AGE, KEY, SIZE, TYPE, BODY, DEATHS],
  unacked: [HELD, HOLDER, KEY, SIZE, TYPE, BODY],
  stream: [OFFSET, TIME, KEY, SIZE, BODY],
  tail: [TIME, KEY, SIZE, TYPE, BODY],
};

function Holder({ channel }: { channel: string }) {
  const connection = channel.replace(/ \(\d+\)$/, "");
  const name = useClientNames().get(connection);
  return <a href={places.connection(connection)} title={channel}>{name ?? channel}</a>;
}

function columnOf(pick: string): Column<Row> {
  const value = (row: Row): string | undefined => {
    const picked = pickedOf(row.message, pick);
    return picked === undefined ? undefined : typeof picked === "string" ? picked : JSON.stringify(picked);
  };
  return { id: `pick ${pick}`, title: <span class="mono cut">{pick}</span>, label: pick, class: "mono", width: "p2", isUnsortable: true, value, cell: (row) => value(row) ?? dash("not there") };
}

interface Props {
  messages: readonly Message[];
  kind: RowKind;
  open: number;
  onOpen: (index: number) => void;
  /** The places of those that are selected; without `onChoose` none can be. */
  chosen?: ReadonlySet<string>;
  onChoose?: ((chosen: ReadonlySet<string>) => void) | undefined;
}

/** Messages as rows, in the order of delivery. */
export function MessageRows({ messages, kind, open, onOpen, chosen, onChoose }: Props) {
  const { show } = useAddress().query;
  const columns = useMemo(() => {
    const [last, ...front] = [...COLUMNS[kind]].reverse();
    const picked = picksOf(show).map(columnOf);
    return last === undefined ? picked : [...front.reverse(), ...picked, last];
  }, [kind, show]);
  return (
    <DataTable<Row>
      label="Messages"
      columns={columns}
      count={messages.length}
      rowAt={(index) => {
        const message = messages[index];
        return message && { message, index };
      }}
      keyOf={(row) => (onChoose && row.message.place) || String(row.index)}
      sort={[]}
      selected={onChoose ? chosen ?? NONE : new Set([String(open)])}
      {...(onChoose ? choosing(messages, chosen ?? NONE, onChoose) : {})}
      cursor={open}
      onOpen={(row) => onOpen(row.index)}
    />
  );
}

const NONE: ReadonlySet<string> = new Set();

/** The checkboxes of rows, and of all of them. */
function choosing(messages: readonly Message[], chosen: ReadonlySet<string>, onChoose: (chosen: ReadonlySet<string>) => void) {
  const all = messages.map((message) => message.place ?? "");
  return {
    onSelect: ({ message: { place = "" } }: Row, isSelected: boolean): void => onChoose(new Set(isSelected ? [...chosen, place] : [...chosen].filter((one) => one !== place))),
    selection: {
      isAll: all.every((place) => chosen.has(place)),
      isSome: all.some((place) => chosen.has(place)),
      onAll: (isAll: boolean): void => onChoose(new Set(isAll ? all : [])),
    },
  };
}

function typeOf(message: Message): string | undefined {
  const type = propertiesOf(message).content_type;
  return typeof type === "string" ? type.replace(/^application\//, "") : undefined;
}

function ageOf(message: Message): number | undefined {
  const at = propertiesOf(message).timestamp;
  return typeof at === "number" ? Date.now() - at * 1000 : undefined;
}
