import { useState } from "preact/hooks";
import { request } from "../../api/http";
import type { Permission, Vhost, VhostLimits } from "../../api/types";
import { Bones } from "../../components/Bones";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Failed } from "../../components/Failed";
import { IconButton } from "../../components/IconButton";
import { Note } from "../../components/Note";
import { StateMark } from "../../components/StateMark";
import { wholeCount } from "../../format/count";
import { places } from "../../route/places";
import { askAgain, usePolled } from "../../state/polling";
import { useRights } from "../../state/rights";
import { say } from "../../state/toasts";
import { chosenVhost } from "../../state/vhost";
import { LimitsForm } from "../limits/LimitsForm";

const EVERY_MS = 15_000;

/** One virtual host: who may enter, its limits, and its end. */
export function VhostPanel({ name, onClose }: { name: string; onClose: () => void }) {
  const rights = useRights();
  const mayAsk = rights.isAdministrator;
  const key = `vhosts/${encodeURIComponent(name)}`;
  const told = usePolled(key, (signal) => request<Vhost>("GET", ["vhosts", name], { signal }), EVERY_MS);
  const permissions = usePolled(mayAsk ? `${key}/permissions` : null, (signal) => request<Permission[]>("GET", ["vhosts", name, "permissions"], { signal }), EVERY_MS);
  const limits = usePolled(`vhost-limits/${encodeURIComponent(name)}`, (signal) => request<VhostLimits[]>("GET", ["vhost-limits", name], { signal }), EVERY_MS);
  const [isDoomed, setDoomed] = useState(false);
  const vhost = told.data;
  return (
    <section class="sidepanel" aria-label="Virtual host">
      <header>
        <h2 class="cut" title={name}>{name}</h2>
        <span class="push" />
        <Button look="s" onPress={() => chosenVhost.set(name)}>Show in lists</Button>
        <IconButton icon="x" small label="Close (Esc)" onPress={onClose} />
      </header>
      <div class="in">
        {vhost === undefined ? (
          told.error ? <Failed what="The virtual host" error={told.error} /> : <Bones />
        ) : (
          <>
            {vhost.description && <p>{vhost.description}</p>}
            <dl class="kv tight">
              {Object.entries(vhost.cluster_state ?? {}).map(([node, state]) => (<><dt>{node}</dt><dd><StateMark state={state} /></dd></>))}
              <dt>messages</dt><dd>{wholeCount(vhost.messages ?? 0)}</dd>
              <dt>tracing</dt><dd>{vhost.tracing ? "on" : "off"}</dd>
            </dl>
            {limits.data && <LimitsForm route="vhost-limits" name={name} known={limits.data[0]?.value ?? {}} mayEdit={mayAsk} />}
            {permissions.data && (
              <div>
                <h3>Who may enter</h3>
                {permissions.data.length === 0 && <Note look="warn">Nobody may enter it.</Note>}
                <dl class="kv tight">
                  {permissions.data.map((permission) => (
                    <>
                      <dt><a href={places.user(permission.user)}>{permission.user}</a></dt>
                      <dd class="mono" title="configure, write, read">{[permission.configure, permission.write, permission.read].map((right) => right || "–").join("  ")}</dd>
                    </>
                  ))}
                </dl>
              </div>
            )}
            {mayAsk && <div><Button look="outline-bad" icon="trash" disabled={vhost.protected_from_deletion} title={vhost.protected_from_deletion ? "It is protected from deletion" : undefined} onPress={() => setDoomed(true)}>Delete virtual host…</Button></div>}
          </>
        )}
      </div>
      {isDoomed && vhost && (
        <ConfirmDialog
          title={`Delete virtual host ${name}`}
          losses={[
            { amount: wholeCount(vhost.messages ?? 0), what: "messages" },
            { amount: "all", what: "queues, exchanges, bindings and policies in it" },
            { amount: wholeCount(permissions.data?.length ?? 0), what: "users lose their rights here, and their connections" },
          ]}
          typed={name}
          act="Delete virtual host"
          keep="Keep virtual host"
          onClose={() => setDoomed(false)}
          onConfirm={async () => {
            await request("DELETE", ["vhosts", name]);
            if (chosenVhost.get() === name) chosenVhost.set("");
            askAgain();
            say(`Deleted virtual host ${name}`);
            onClose();
          }}
        />
      )}
    </section>
  );
}
