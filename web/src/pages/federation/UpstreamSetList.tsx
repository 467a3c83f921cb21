import { useState } from "preact/hooks";
import { request } from "../../api/http";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Count } from "../../components/Figure";
import { IconButton } from "../../components/IconButton";
import { wholeCount } from "../../format/count";
import { cutMiddle } from "../../format/names";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { href, setQuery } from "../../route/router";
import { askAgain } from "../../state/polling";
import { useRights } from "../../state/rights";
import { say } from "../../state/toasts";
import type { UpstreamSet } from "./upstream";
import { UpstreamSetDialog } from "./UpstreamSetDialog";
import { useUpstreams } from "./useUpstreams";

/** Upstreams that a policy takes together. The set `all` is always there and is not listed. */
export function UpstreamSetList({ vhost }: { vhost: string }) {
  const rights = useRights();
  const known = useUpstreams(vhost, rights.setsPolicies);
  const [edited, setEdited] = useState<UpstreamSet | null>(null);
  const [doomed, setDoomed] = useState<UpstreamSet | null>(null);
  const usesOf = (set: UpstreamSet): number => known.policies.filter((policy) => policy.vhost === set.vhost && policy.definition["federation-upstream-set"] === set.name).length;
  const columns: readonly Column<UpstreamSet>[] = [
    { id: "name", title: "Set", label: "Set", isFluid: true, value: (set) => set.name, cell: (set) => <><span class="name" title={set.name}>{cutMiddle(set.name, 60)}</span><span class="meta"><span>{wholeCount(set.value.length)} upstreams</span></span></> },
    { id: "vhost", title: "Virtual host", label: "Virtual host", width: "p3", class: "sub", word: "vhost", value: (set) => set.vhost, cell: (set) => set.vhost },
    {
      id: "members", title: "Upstreams", label: "Upstreams", width: "p2", value: (set) => set.value.map((member) => member.upstream).join(", "),
      cell: (set) => set.value.slice(0, 4).map((member, index) => <>{index > 0 && ", "}<a href={href(["federation"], { kind: "upstreams", open: `${set.vhost}/${member.upstream}` })}>{cutMiddle(member.upstream, 24)}</a>{index === 3 && set.value.length > 4 && ` and ${wholeCount(set.value.length - 4)} more`}</>),
    },
    { id: "uses", title: "Policies", label: "Policies that use it", isNumber: true, value: usesOf, cell: (set) => <Count value={usesOf(set)} /> },
    {
      id: "acts", title: <span class="vh">Acts</span>, label: "Acts", isUnsortable: true, value: () => "",
      cell: (set) => (
        <span class="row">
          <IconButton icon="edit" small label={`Edit ${set.name}…`} onPress={() => setEdited(set)} />
          <IconButton icon="trash" small label={`Delete ${set.name}…`} onPress={() => setDoomed(set)} />
        </span>
      ),
    },
  ];
  return (
    <>
      <ListView<UpstreamSet>
        id="federation-upstream-sets"
        what="sets"
        icon="federation"
        route={["parameters", "federation-upstream-set", ...(vhost === "" ? [] : [vhost])]}
        columns={columns}
        sort={[{ id: "name", isDown: false }]}
        nameOf={(set) => `${set.name} ${set.value.map((member) => member.upstream).join(" ")}`}
        keyOf={(set) => `${set.vhost}/${set.name}`}
        placeholder="Name of the set, or of an upstream"
        empty={{
          title: "There is no set",
          text: <>A policy names one upstream, or a set of them. The set <code>all</code> has every upstream of its virtual host, and needs no definition.</>,
          act: rights.setsPolicies && <Button icon="plus" onPress={() => setQuery({ new: "set" })}>Add set</Button>,
        }}
      />
      {edited && <UpstreamSetDialog saved={edited} vhost={edited.vhost} onClose={() => setEdited(null)} />}
      {doomed && (
        <ConfirmDialog
          title={`Delete set ${doomed.name}`}
          losses={[{ amount: wholeCount(usesOf(doomed)), what: "policies name it, and lose their links; the upstreams stay" }]}
          typed=""
          act="Delete set"
          keep="Keep set"
          onClose={() => setDoomed(null)}
          onConfirm={async () => {
            await request("DELETE", ["parameters", "federation-upstream-set", doomed.vhost, doomed.name]);
            askAgain();
            say(`Deleted set ${doomed.name}`);
          }}
        />
      )}
    </>
  );
}
