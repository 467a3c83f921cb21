import { request } from "../../api/http";
import type { Policy, Queue } from "../../api/types";
import { Panel } from "../../components/Panel";
import { Icon } from "../../components/Icon";
import { places } from "../../route/places";
import { usePolled } from "../../state/polling";
import { settingsOf, type Source } from "./settings";
import { SettingValue } from "./SettingValue";

/** What holds for a queue, and who set it. */
export function EffectiveSettings({ queue }: { queue: Queue }) {
  const policy = usePolicy("policies", queue.vhost, queue.policy);
  const operator = usePolicy("operator-policies", queue.vhost, queue.operator_policy);
  const settings = settingsOf(queue, policy, operator);
  return (
    <Panel
      title="Effective settings"
      note="what holds, and who set it"
      clip
      acts={queue.policy && <a class="btn ghost s" href={places.policy(queue.vhost, queue.policy)}><Icon name="edit" />Edit policy</a>}
    >
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">Value</th>
            <th scope="col">Set by</th>
            <th class="hide-s" scope="col">Overrides</th>
          </tr>
        </thead>
        <tbody>
          {settings.map((setting) => (
            <tr key={setting.key}>
              <td class="mono">{setting.key}</td>
              <td><SettingValue name={setting.key} value={setting.value} vhost={queue.vhost} /></td>
              <td class="sub"><By source={setting.by} vhost={queue.vhost} /></td>
              <td class="dim hide-s">
                {setting.overrides.length === 0 ? "–" : setting.overrides.map((other) => (
                  <span key={other.by.name}><span class="was"><SettingValue name={setting.key} value={other.value} vhost={queue.vhost} /></span> {other.by.name} </span>
                ))}
              </td>
            </tr>
          ))}
          <tr>
            <td class="mono">durable</td>
            <td>{String(queue.durable)}</td>
            <td class="sub">declared</td>
            <td class="dim hide-s">–</td>
          </tr>
        </tbody>
      </table>
    </Panel>
  );
}

function By({ source, vhost }: { source: Source; vhost: string }) {
  if (source.kind === "declared") return <span title={source.name}>declared</span>;
  return (
    <>
      <a href={places.policy(vhost, source.name, source.kind === "operator policy")}>{source.name}</a>{" "}
      <span class="dim">{source.kind}, {source.priority}</span>
    </>
  );
}

function usePolicy(route: string, vhost: string, name: string | null | undefined): Policy | undefined {
  const key = name ? `${route}/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}` : null;
  return usePolled(key, (signal) => request<Policy>("GET", [route, vhost, name ?? ""], { signal }), 15_000).data;
}
