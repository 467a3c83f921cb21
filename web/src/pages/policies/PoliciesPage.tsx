import { useState } from "preact/hooks";
import { request } from "../../api/http";
import type { Policy } from "../../api/types";
import { Bones } from "../../components/Bones";
import { Button } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Failed } from "../../components/Failed";
import { PageHead } from "../../components/PageHead";
import { wholeCount } from "../../format/count";
import { href, setQuery, useAddress } from "../../route/router";
import { usePolled } from "../../state/polling";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { chosenVhost } from "../../state/vhost";
import { PolicyEditor } from "./PolicyEditor";

const EVERY_MS = 15_000;

/** Policies and operator policies: a list, and the one that is open. */
export function PoliciesPage() {
  const { query } = useAddress();
  const vhost = useStore(chosenVhost);
  const rights = useRights();
  const [isNew, setNew] = useState(false);
  const isOperators = query.kind === "operator";
  const route = isOperators ? "operator-policies" : "policies";
  const path = vhost === "" ? [route] : [route, vhost];
  const told = usePolled(`${path.map(encodeURIComponent).join("/")} list`, (signal) => request<Policy[]>("GET", path, { signal }), EVERY_MS);
  const policies = [...(told.data ?? [])].sort((one, other) => other.priority - one.priority);
  const open = isNew ? undefined : (policies.find((policy) => idOf(policy) === query.open) ?? policies[0]);
  const mayEdit = isOperators ? rights.isAdministrator : rights.setsPolicies;
  const tab = (id: string, title: string) => ({ title, href: href(["policies"], { kind: id }), isCurrent: (query.kind ?? "") === id, ...((query.kind ?? "") === id ? { n: told.data?.length } : {}) });
  return (
    <>
      <PageHead
        title="Policies"
        acts={mayEdit && <Button icon="plus" onPress={() => setNew(true)}>Add policy</Button>}
        tabs={[tab("", "Policies"), ...(rights.isAdministrator ? [tab("operator", "Operator policies")] : [])]}
      />
      {told.data === undefined ? (
        told.error ? <Failed what="The list of policies" error={told.error} /> : <Bones />
      ) : (
        <div class="split left">
          <div class="col side-list">
            <div class="scroll" tabIndex={0} role="region" aria-label="Policies">
              <table class="table roomy">
                <thead>
                  <tr>
                    <th class="fluid" scope="col">Policy</th>
                    <th class="p2" scope="col">Virtual host</th>
                    <th class="num" scope="col" aria-sort="descending">Priority</th>
                  </tr>
                </thead>
                <tbody>
                  {policies.map((policy) => (
                    <tr key={idOf(policy)} aria-selected={policy === open ? true : undefined} class={policy === open ? "cursor" : undefined}>
                      <td class="fluid">
                        <a class="name" href={href(["policies"], { ...query, open: idOf(policy) })} onClick={() => setNew(false)}>{policy.name}</a>
                        <span class="pat mono">{policy.pattern}</span>
                      </td>
                      <td class="sub p2">{policy.vhost}</td>
                      <td class="num">{wholeCount(policy.priority)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {isOperators && <div class="below"><p class="sub">They limit what others set, and win over them.</p></div>}
            </div>
          </div>
          <div class="col over">
            {open === undefined && !isNew ? (
              <Empty icon="policy" title="There is no policy" act={mayEdit && <Button icon="plus" onPress={() => setNew(true)}>Add policy</Button>}>
                A policy gives settings to all queues and exchanges whose names match, and can be changed while they are in use.
              </Empty>
            ) : (
              <PolicyEditor
                key={`${route} ${open ? idOf(open) : "new"}`}
                policies={policies}
                saved={open ?? null}
                vhost={vhost === "" ? "/" : vhost}
                isOperators={isOperators}
                mayEdit={mayEdit}
                onSaved={(policy) => { setNew(false); setQuery({ open: policy ? idOf(policy) : undefined }); }}
              />
            )}
          </div>
        </div>
      )}
    </>
  );
}

const idOf = (policy: Policy): string => `${policy.vhost}/${policy.name}`;
