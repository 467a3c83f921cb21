import { useState } from "preact/hooks";
import { request } from "../../api/http";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Bones } from "../../components/Bones";
import { Empty } from "../../components/Empty";
import { Count } from "../../components/Figure";
import { IconButton } from "../../components/IconButton";
import { PageHead } from "../../components/PageHead";
import { StateMark } from "../../components/StateMark";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { areKnown, useCapability } from "../../state/capabilities";
import { askAgain } from "../../state/polling";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { say, sayFailed } from "../../state/toasts";
import { chosenVhost } from "../../state/vhost";

/** A shovel, as `GET shovels` tells it. */
interface Shovel {
  name: string;
  vhost: string;
  state: string;
  reason?: string;
  timestamp: string;
  src_uri?: string;
  src_queue?: string;
  src_exchange?: string;
  dest_uri?: string;
  dest_queue?: string;
  dest_exchange?: string;
  forwarded?: number;
}

const end = (queue: string | undefined, exchange: string | undefined, uri: string | undefined): string =>
  [queue ?? exchange ?? "", uri === undefined || uri === "amqp://" ? "" : `at ${uri}`].filter((word) => word !== "").join(" ");

/** Shovels: what each moves, from where to where, and whether it runs. */
export function ShovelsPage() {
  const isKnown = useStore(areKnown);
  const isThere = useCapability("GET shovels");
  const vhost = useStore(chosenVhost);
  const rights = useRights();
  const [doomed, setDoomed] = useState<Shovel | null>(null);
  const restart = async (shovel: Shovel): Promise<void> => {
    try {
      await request("DELETE", ["shovels", "vhost", shovel.vhost, shovel.name, "restart"]);
      askAgain();
      say(`Restarted ${shovel.name}`);
    } catch (error) {
      sayFailed(`restart ${shovel.name}`, error);
    }
  };
  const columns: readonly Column<Shovel>[] = [
    { id: "name", title: "Shovel", label: "Shovel", value: (one) => one.name, cell: (one) => <><span class="name">{one.name}</span><span class="meta"><StateMark state={one.state} /><span>{one.vhost}</span></span></> },
    { id: "vhost", title: "Virtual host", label: "Virtual host", width: "p3", class: "sub", word: "vhost", value: (one) => one.vhost, cell: (one) => one.vhost },
    { id: "state", title: "State", label: "State", width: "p2", word: "state", value: (one) => one.state, cell: (one) => <StateMark state={one.state} title={one.reason} /> },
    { id: "from", title: "From", label: "From", width: "p2", value: (one) => end(one.src_queue, one.src_exchange, one.src_uri), cell: (one) => end(one.src_queue, one.src_exchange, one.src_uri) },
    { id: "to", title: "To", label: "To", isFluid: true, value: (one) => end(one.dest_queue, one.dest_exchange, one.dest_uri), cell: (one) => <>{end(one.dest_queue, one.dest_exchange, one.dest_uri)}{one.reason && <span class="warn"> {one.reason}</span>}</> },
    { id: "forwarded", title: "Moved", label: "Moved", isNumber: true, value: (one) => one.forwarded, cell: (one) => <Count value={one.forwarded} /> },
    { id: "since", title: "Since", label: "Since", width: "p3", class: "sub", value: (one) => one.timestamp, cell: (one) => one.timestamp },
    ...(rights.setsPolicies && !rights.isReadOnly ? [{
      id: "acts", title: <span class="vh">Acts</span>, label: "Acts", isUnsortable: true, value: () => "",
      cell: (one: Shovel) => (
        <span class="row">
          <IconButton icon="refresh" small label={`Restart ${one.name}`} onPress={() => void restart(one)} />
          <IconButton icon="trash" small label={`Delete ${one.name}…`} onPress={() => setDoomed(one)} />
        </span>
      ),
    }] : []),
  ];
  if (!isKnown) return <><PageHead title="Shovels" /><Bones /></>;
  if (!isThere) {
    return (
      <>
        <PageHead title="Shovels" />
        <Empty icon="shovel" title="This broker has no shovels">They would move messages between queues and brokers by themselves.</Empty>
      </>
    );
  }
  return (
    <>
      <PageHead title="Shovels" />
      <ListView<Shovel>
        id="shovels"
        what="shovels"
        icon="shovel"
        route={vhost === "" ? ["shovels"] : ["shovels", vhost]}
        columns={columns}
        sort={[{ id: "name", isDown: false }]}
        nameOf={(one) => one.name}
        keyOf={(one) => `${one.vhost} ${one.name}`}
        placeholder="Name, or  state:terminated"
        empty={{ title: "There is no shovel", text: <>A shovel moves messages from a queue to another broker. It is defined as the parameter <code>shovel</code> of a virtual host.</> }}
      />
      {doomed && (
        <ConfirmDialog
          title={`Delete ${doomed.name}`}
          losses={[{ amount: "1", what: "shovel stops; no message is lost" }]}
          typed=""
          act="Delete shovel"
          keep="Keep shovel"
          onClose={() => setDoomed(null)}
          onConfirm={async () => {
            await request("DELETE", ["shovels", "vhost", doomed.vhost, doomed.name]);
            askAgain();
            say(`Deleted ${doomed.name}`);
          }}
        />
      )}
    </>
  );
}
