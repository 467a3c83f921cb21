import type { Message } from "../../api/types";
import { Figure } from "../../components/Figure";
import { age } from "../../format/age";
import { bytes } from "../../format/bytes";
import type { Column } from "../../list/column";
import { DataTable } from "../../list/DataTable";
import { propertiesOf } from "./body";
import { deathsOf } from "./deaths";

interface Row {
  message: Message;
  index: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { id: "position", title: "Position", label: "Position", isNumber: true, isUnsortable: true, value: (row) => row.message.position ?? row.index, cell: (row) => <span class="name">{row.message.offset ?? row.message.position ?? row.index}</span> },
  { id: "age", title: "Age", label: "Age", isNumber: true, width: "p2", isUnsortable: true, value: (row) => ageOf(row.message), cell: (row) => <Figure parts={age(ageOf(row.message))} title="by its own time" /> },
  { id: "key", title: "Routing key", label: "Routing key", isFluid: true, class: "mono", isUnsortable: true, value: (row) => row.message.routing_key, cell: (row) => row.message.routing_key },
  { id: "exchange", title: "Exchange", label: "Exchange", width: "p3", class: "sub", isUnsortable: true, value: (row) => row.message.exchange, cell: (row) => row.message.exchange || <span class="dim" title="the default exchange">–</span> },
  { id: "size", title: "Size", label: "Size", isNumber: true, isUnsortable: true, value: (row) => row.message.payload_bytes, cell: (row) => <Figure parts={bytes(row.message.payload_bytes)} /> },
  { id: "type", title: "Type", label: "Type", width: "p3", class: "sub", isUnsortable: true, value: (row) => typeOf(row.message), cell: (row) => typeOf(row.message) ?? <span class="dim" title="no content type">–</span> },
  { id: "deaths", title: "Deaths", label: "Deaths", isNumber: true, width: "p2", isUnsortable: true, value: (row) => deathsOf(row.message).length, cell: (row) => deathsOf(row.message).reduce((sum, death) => sum + death.count, 0) || <span class="zero">0</span> },
];

/** Messages as rows, in the order of delivery. */
export function MessageRows({ messages, open, onOpen }: { messages: readonly Message[]; open: number; onOpen: (index: number) => void }) {
  return (
    <DataTable<Row>
      label="Messages"
      columns={COLUMNS}
      count={messages.length}
      rowAt={(index) => {
        const message = messages[index];
        return message && { message, index };
      }}
      keyOf={(row) => String(row.index)}
      sort={[]}
      selected={new Set([String(open)])}
      cursor={open}
      onOpen={(row) => onOpen(row.index)}
    />
  );
}

function typeOf(message: Message): string | undefined {
  const type = propertiesOf(message).content_type;
  return typeof type === "string" ? type.replace(/^application\//, "") : undefined;
}

function ageOf(message: Message): number | undefined {
  const at = propertiesOf(message).timestamp;
  return typeof at === "number" ? Date.now() - at * 1000 : undefined;
}
