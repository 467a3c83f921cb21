import { useState } from "preact/hooks";
import { request } from "../../api/http";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Count } from "../../components/Figure";
import { wholeCount } from "../../format/count";
import { cutMiddle } from "../../format/names";
import { withoutPassword } from "../../format/uris";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { href, setQuery, useAddress } from "../../route/router";
import { askAgain } from "../../state/polling";
import { useRights } from "../../state/rights";
import { say } from "../../state/toasts";
import { policiesOf, urisOf, type Upstream } from "./upstream";
import { UpstreamDialog } from "./UpstreamDialog";
import { UpstreamPanel } from "./UpstreamPanel";
import { useUpstreams } from "./useUpstreams";

const idOf = (upstream: Upstream): string => `${upstream.vhost}/${upstream.name}`;
const addressOf = (upstream: Upstream): string => urisOf(upstream.value).map(withoutPassword).join(", ");
const textOf = (value: unknown, missing: string) => (value === undefined ? <span class="dim">{missing}</span> : String(value));

/** Brokers that this one may take messages from. */
export function UpstreamList({ vhost }: { vhost: string }) {
  const { query } = useAddress();
  const rights = useRights();
  const known = useUpstreams(vhost, rights.setsPolicies);
  const [edited, setEdited] = useState<Upstream | null>(null);
  const [doomed, setDoomed] = useState<Upstream | null>(null);
  const usesOf = (upstream: Upstream): number | undefined => (known.isWhole ? policiesOf(upstream, known.policies, known.sets, known.upstreams).length : undefined);
  const open = known.upstreams.find((upstream) => idOf(upstream) === query.open);
  const columns: readonly Column<Upstream>[] = [
    {
      id: "name", title: "Upstream", label: "Upstream", isFluid: true, value: (one) => one.name,
      cell: (one) => (
        <>
          <a class="name" href={href(["federation"], { ...query, open: idOf(one) })} title={one.name}>{cutMiddle(one.name, 60)}</a>
          <span class="meta"><span class="cut">{addressOf(one)}</span></span>
        </>
      ),
    },
    { id: "vhost", title: "Virtual host", label: "Virtual host", width: "p3", class: "sub", word: "vhost", value: (one) => one.vhost, cell: (one) => one.vhost },
    { id: "address", title: "Address", label: "Address", width: "p2", class: "mono", value: addressOf, cell: (one) => <span title={addressOf(one)}>{cutMiddle(addressOf(one), 48)}</span> },
    { id: "ack", title: "Acknowledges", label: "Acknowledges", width: "p3", class: "sub", value: (one) => String(one.value["ack-mode"] ?? "on-confirm"), cell: (one) => textOf(one.value["ack-mode"], "on-confirm") },
    { id: "prefetch", title: "Prefetch", label: "Prefetch", isNumber: true, width: "p3", value: (one) => Number(one.value["prefetch-count"] ?? 1000), cell: (one) => <Count value={Number(one.value["prefetch-count"] ?? 1000)} /> },
    { id: "hops", title: "Hops", label: "Hops at most", isNumber: true, width: "p3", isExtra: true, value: (one) => Number(one.value["max-hops"] ?? 1), cell: (one) => <Count value={Number(one.value["max-hops"] ?? 1)} /> },
    { id: "uses", title: "Policies", label: "Policies that use it", isNumber: true, value: usesOf, cell: (one) => <Count value={usesOf(one)} missing="the policies are on their way" /> },
  ];
  return (
    <div class={open ? "split narrow" : "split whole"}>
      <div class="col">
        <ListView<Upstream>
          id="federation-upstreams"
          what="upstreams"
          icon="federation"
          route={["parameters", "federation-upstream", ...(vhost === "" ? [] : [vhost])]}
          columns={columns}
          sort={[{ id: "name", isDown: false }]}
          nameOf={(one) => `${one.name} ${addressOf(one)}`}
          keyOf={idOf}
          placeholder="Name or address"
          onOpen={(one) => setQuery({ open: idOf(one) })}
          empty={{
            title: "There is no upstream",
            text: "An upstream is the address of another broker. Policies then say which exchanges and queues take messages from there.",
            act: rights.setsPolicies && <Button icon="plus" onPress={() => setQuery({ new: "upstream" })}>Add upstream</Button>,
          }}
        />
      </div>
      {open && (
        <UpstreamPanel
          key={idOf(open)}
          upstream={open}
          policies={known.policies}
          uses={policiesOf(open, known.policies, known.sets, known.upstreams)}
          onEdit={() => setEdited(open)}
          onDelete={() => setDoomed(open)}
          onClose={() => setQuery({ open: undefined })}
        />
      )}
      {edited && <UpstreamDialog saved={edited} vhost={edited.vhost} onClose={() => setEdited(null)} />}
      {doomed && (
        <ConfirmDialog
          title={`Delete upstream ${doomed.name}`}
          losses={[
            { amount: "all", what: "links from it end; what waits for them there is dropped" },
            { amount: wholeCount(usesOf(doomed) ?? 0), what: "policies name it, and stay" },
          ]}
          typed={doomed.name}
          act="Delete upstream"
          keep="Keep upstream"
          onClose={() => setDoomed(null)}
          onConfirm={async () => {
            await request("DELETE", ["parameters", "federation-upstream", doomed.vhost, doomed.name]);
            askAgain();
            say(`Deleted upstream ${doomed.name}`);
            setQuery({ open: undefined });
          }}
        />
      )}
    </div>
  );
}
