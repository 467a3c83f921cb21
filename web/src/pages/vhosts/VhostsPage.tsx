import { useState } from "preact/hooks";
import { rateOf } from "../../api/counters";
import type { Vhost } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Button } from "../../components/Button";
import { Count, Figure } from "../../components/Figure";
import { Icon } from "../../components/Icon";
import { PageHead } from "../../components/PageHead";
import { bareRate } from "../../format/rate";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { href, setQuery, useAddress } from "../../route/router";
import { useRights } from "../../state/rights";
import { AddVhostDialog } from "./AddVhostDialog";
import { VhostPanel } from "./VhostPanel";

const COLUMNS: readonly Column<Vhost>[] = [
  {
    id: "name", title: "Virtual host", label: "Virtual host", isFluid: true, serverKey: "name", value: (vhost) => vhost.name,
    cell: (vhost) => (
      <>
        <a class="name" href={href(["vhosts"], { open: vhost.name })}>{vhost.name}</a>{" "}
        {vhost.protected_from_deletion && <span title="protected from deletion"><Icon name="lock" small /></span>}
        <span class="dim hide-s">{vhost.description}</span>
      </>
    ),
  },
  { id: "tags", title: "Tags", label: "Tags", width: "p3", word: "tag", value: (vhost) => (vhost.tags ?? []).join(", "), cell: (vhost) => (vhost.tags ?? []).map((tag) => <Badge key={tag}>{tag}</Badge>) },
  { id: "type", title: "Default type", label: "Default queue type", width: "p2", class: "sub", value: (vhost) => typeOf(vhost), cell: (vhost) => typeOf(vhost) },
  { id: "ready", title: "Ready", label: "Ready", isNumber: true, serverKey: "messages_ready", word: "ready", value: (vhost) => vhost.messages_ready ?? 0, cell: (vhost) => <Count value={vhost.messages_ready ?? 0} /> },
  { id: "unacked", title: "Unacked", label: "Unacked", isNumber: true, width: "p2", serverKey: "messages_unacknowledged", word: "unacked", value: (vhost) => vhost.messages_unacknowledged ?? 0, cell: (vhost) => <Count value={vhost.messages_unacknowledged ?? 0} /> },
  { id: "in", title: <>In<span class="u"> /s</span></>, label: "In a second", isNumber: true, width: "p2", value: (vhost) => rateOf(vhost.message_stats, "publish") ?? 0, cell: (vhost) => <Figure parts={bareRate(rateOf(vhost.message_stats, "publish") ?? 0)} /> },
  { id: "out", title: <>Out<span class="u"> /s</span></>, label: "Out a second", isNumber: true, width: "p2", value: (vhost) => rateOf(vhost.message_stats, "deliver_get") ?? 0, cell: (vhost) => <Figure parts={bareRate(rateOf(vhost.message_stats, "deliver_get") ?? 0)} /> },
  { id: "tracing", title: "Tracing", label: "Tracing", width: "p3", class: "sub", isExtra: true, value: (vhost) => String(vhost.tracing ?? false), cell: (vhost) => (vhost.tracing ? "on" : <span class="dim">off</span>) },
];

function typeOf(vhost: Vhost): string {
  const type = vhost.default_queue_type;
  return type === undefined || type === null || type === "undefined" ? "classic" : type;
}

/** Virtual hosts, and what each of them holds. */
export function VhostsPage() {
  const { query } = useAddress();
  const rights = useRights();
  const [isAdd, setAdd] = useState(false);
  return (
    <>
      <PageHead title="Virtual hosts" acts={rights.isAdministrator && <Button look="primary" icon="plus" onPress={() => setAdd(true)}>Add virtual host</Button>} />
      <div class={query.open ? "split narrow" : "split whole"}>
        <div class="col">
          <ListView<Vhost>
            id="vhosts"
            what="virtual hosts"
            icon="vhost"
            route={["vhosts"]}
            columns={COLUMNS}
            sort={[{ id: "name", isDown: false }]}
            nameOf={(vhost) => `${vhost.name} ${vhost.description ?? ""}`}
            keyOf={(vhost) => vhost.name}
            placeholder="Name, or  ready:>1000"
            onOpen={(vhost) => setQuery({ open: vhost.name })}
            empty={{ title: "You see no virtual host", text: "An administrator gives the right to enter one." }}
          />
        </div>
        {query.open && <VhostPanel key={query.open} name={query.open} onClose={() => setQuery({ open: undefined })} />}
      </div>
      {isAdd && <AddVhostDialog onClose={() => setAdd(false)} />}
    </>
  );
}
