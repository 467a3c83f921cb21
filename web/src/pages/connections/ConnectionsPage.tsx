import { useState } from "preact/hooks";
import { closeConnection } from "../../api/acts";
import type { Connection } from "../../api/types";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Figure } from "../../components/Figure";
import { Icon } from "../../components/Icon";
import { PageHead } from "../../components/PageHead";
import { Segmented } from "../../components/Segmented";
import { StateMark } from "../../components/StateMark";
import { age, roughAge } from "../../format/age";
import { bytesRate } from "../../format/bytes";
import { wholeCount } from "../../format/count";
import { many } from "../../format/many";
import { textOf } from "../../format/parts";
import { BulkBar } from "../../list/BulkBar";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { href, setQuery, useAddress } from "../../route/router";
import { askAgain } from "../../state/polling";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { say } from "../../state/toasts";
import { chosenVhost } from "../../state/vhost";
import { ConnectionPanel } from "./ConnectionPanel";
import { GroupedConnections } from "./GroupedConnections";
import type { GroupKey } from "./grouping";
import { nameOfConnection, productOf } from "../../api/clients";

const VIEWS = [
  { title: "All", filter: "" },
  { title: "Blocked", filter: "state:blocked" },
  { title: "In flow", filter: "state:flow" },
  { title: "TLS", filter: "tls:true" },
  { title: "Without a channel", filter: "channels:0" },
];

const sinceOf = (connection: Connection): number | undefined =>
  connection.connected_at === undefined ? undefined : Date.now() - connection.connected_at;

const COLUMNS: readonly Column<Connection>[] = [
  {
    id: "name", title: "Name", label: "Name", isFluid: true, value: nameOfConnection,
    cell: (connection) => (
      <>
        <a class="name" href={href(["connections"], { open: connection.name })} title={connection.name}>{nameOfConnection(connection)}</a>{" "}
        <span class="dim hide-s">{productOf(connection)}</span>
        <span class="meta"><StateMark state={connection.state ?? "running"} /><span>{connection.vhost}</span></span>
      </>
    ),
  },
  { id: "vhost", title: "Virtual host", label: "Virtual host", width: "p3", class: "sub", serverKey: "vhost", word: "vhost", value: (connection) => connection.vhost, cell: (connection) => connection.vhost },
  { id: "user", title: "User", label: "User", width: "p3", class: "sub", serverKey: "user", word: "user", value: (connection) => connection.user, cell: (connection) => connection.user },
  { id: "state", title: "State", label: "State", width: "p2", serverKey: "state", word: "state", value: (connection) => connection.state, cell: (connection) => <StateMark state={connection.state ?? "running"} /> },
  { id: "channels", title: "Channels", label: "Channels", isNumber: true, serverKey: "channels", word: "channels", value: (connection) => connection.channels, cell: (connection) => wholeCount(connection.channels ?? 0) },
  { id: "in", title: "From client", label: "Bytes a second from the client", isNumber: true, width: "p2", serverKey: "recv_oct_details.rate", word: "in", value: (connection) => connection.recv_oct_details?.rate, cell: (connection) => <Figure parts={bytesRate(connection.recv_oct_details?.rate)} /> },
  { id: "out", title: "To client", label: "Bytes a second to the client", isNumber: true, width: "p2", serverKey: "send_oct_details.rate", word: "out", value: (connection) => connection.send_oct_details?.rate, cell: (connection) => <Figure parts={bytesRate(connection.send_oct_details?.rate)} /> },
  { id: "address", title: "Address", label: "Address", width: "p3", class: "mono", isExtra: true, serverKey: "peer_host", word: "host", value: (connection) => connection.peer_host, cell: (connection) => `${connection.peer_host}:${connection.peer_port}` },
  { id: "tls", title: "TLS", label: "TLS", width: "p3", class: "sub", isExtra: true, serverKey: "ssl", word: "tls", value: (connection) => String(connection.ssl ?? false), cell: (connection) => (connection.ssl ? (connection.ssl_protocol ?? "yes") : <span class="dim">no</span>) },
  { id: "protocol", title: "Protocol", label: "Protocol", width: "p3", class: "sub", isExtra: true, serverKey: "protocol", word: "protocol", value: (connection) => connection.protocol, cell: (connection) => connection.protocol },
  { id: "node", title: "Node", label: "Node", width: "p3", class: "sub", isExtra: true, serverKey: "node", word: "node", value: (connection) => connection.node, cell: (connection) => connection.node },
  { id: "since", title: "Since", label: "Connected for, in ms", isNumber: true, isAge: true, width: "p2", serverKey: "connected_at", word: "age", value: sinceOf, cell: (connection) => <Figure parts={roughAge(sinceOf(connection))} title={textOf(age(sinceOf(connection)))} /> },
];

const GROUPS: readonly { id: GroupKey; title: string }[] = [
  { id: "name", title: "Name" },
  { id: "user", title: "User" },
  { id: "host", title: "Host" },
  { id: "product", title: "Product" },
];

/** All connections, alone or in groups; one of them opens beside the list. */
export function ConnectionsPage() {
  const { query } = useAddress();
  const rights = useRights();
  const vhost = useStore(chosenVhost);
  const [doomed, setDoomed] = useState<{ connections: readonly Connection[]; clear: () => void } | null>(null);
  const open = query.open;
  const by = GROUPS.find((group) => group.id === query.group)?.id;
  const route = vhost === "" ? ["connections"] : ["vhosts", vhost, "connections"];
  return (
    <>
      <PageHead
        title="Connections"
        tabs={VIEWS.map((view) => ({ title: view.title, href: href(["connections"], { filter: view.filter }), isCurrent: (query.filter ?? "") === view.filter }))}
      />
      <div class={open ? "split narrow" : "split whole"}>
        <div class="col">
          {by !== undefined && (
            <div class="tools">
              <label class="input filter">
                <Icon name="filter" />
                <input aria-label="Filter connections" placeholder="Name, user, address" value={query.find ?? ""} onInput={(event) => setQuery({ find: event.currentTarget.value })} />
              </label>
              <GroupSwitch by={by} />
            </div>
          )}
          {by !== undefined ? <GroupedConnections route={route} by={by} open={open} text={query.find ?? ""} /> : <ListView<Connection>
            id="connections"
            what="connections"
            icon="conn"
            route={route}
            tools={<GroupSwitch by={undefined} />}
            columns={COLUMNS}
            sort={[{ id: "name", isDown: false }]}
            nameOf={(connection) => `${nameOfConnection(connection)} ${connection.name} ${productOf(connection)} ${connection.user}`}
            keyOf={(connection) => connection.name}
            placeholder="Name, user, address, or  state:blocked"
            onOpen={(connection) => setQuery({ open: connection.name })}
            empty={{ title: "Nobody is connected", text: "Clients connect to the AMQP port with their user and password." }}
            {...(rights.isReadOnly ? {} : {
              bulk: (connections: readonly Connection[], clear: () => void) => (
                <BulkBar label="Selected connections" count={connections.length} sum={many(connections.reduce((sum, one) => sum + (one.channels ?? 0), 0), "channel")} onClear={clear}>
                  <button class="btn bad" type="button" onClick={() => setDoomed({ connections, clear })}>Close…</button>
                </BulkBar>
              ),
            })}
          />}
        </div>
        {open && <ConnectionPanel key={open} name={open} onClose={() => setQuery({ open: undefined })} />}
      </div>
      {doomed && <CloseDialog {...doomed} onClose={() => setDoomed(null)} />}
    </>
  );
}

/** By what connections are put together. */
function GroupSwitch({ by }: { by: GroupKey | undefined }) {
  return (
    <span class="row hide-s">
      <span class="dim nowrap">Group by</span>
      <Segmented
        label="Group by"
        chosen={by ?? "none"}
        choices={[...GROUPS, { id: "none", title: "None" }]}
        onChoose={(id) => setQuery({ group: id === "none" ? undefined : id, find: undefined, filter: undefined })}
      />
    </span>
  );
}

function CloseDialog({ connections, clear, onClose }: { connections: readonly Connection[]; clear: () => void; onClose: () => void }) {
  const count = wholeCount(connections.length);
  const channels = connections.reduce((sum, connection) => sum + (connection.channels ?? 0), 0);
  return (
    <ConfirmDialog
      title={`Close ${count} connections`}
      losses={[
        { amount: count, what: "connections; most clients connect again" },
        { amount: wholeCount(channels), what: "channels; what they hold unacknowledged goes back to its queues" },
      ]}
      typed={`close ${count} connections`}
      act={`Close ${count}`}
      keep="Keep connections"
      onClose={onClose}
      onConfirm={async () => {
        for (const connection of connections) await closeConnection(connection.name, "Closed in the web UI");
        askAgain();
        say(`Closed ${count} connections`);
        clear();
      }}
    />
  );
}
