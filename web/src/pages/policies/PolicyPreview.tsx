import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { request } from "../../api/http";
import type { Exchange, Policy, Queue } from "../../api/types";
import { Panel } from "../../components/Panel";
import { wholeCount } from "../../format/count";
import { exchangeTitle } from "../../format/names";
import { places } from "../../route/places";
import { usePolled } from "../../state/polling";
import { previewOf, type Preview } from "./preview";

const EVERY_MS = 30_000;
const ROWS = 8;

/** What saving would change, computed from the names of now; a fault is a pattern that is none. */
export function usePreview(policies: readonly Policy[], saved: Policy | null, edited: Policy): { told?: Preview; fault?: string } {
  const vhost = edited.vhost;
  const queues = usePolled(`names of queues ${vhost}`, (signal) => request<Queue[]>("GET", ["queues", vhost], { query: { columns: "name,vhost,type,messages" }, signal }), EVERY_MS);
  const exchanges = usePolled(`names of exchanges ${vhost}`, (signal) => request<Exchange[]>("GET", ["exchanges", vhost], { query: { columns: "name,vhost,type" }, signal }), EVERY_MS);
  if (queues.data === undefined || exchanges.data === undefined) return {};
  try {
    return { told: previewOf(policies, saved, edited.pattern === "" ? null : edited, queues.data, exchanges.data) };
  } catch (error) {
    if (error instanceof SyntaxError) return { fault: "This is no regular expression." };
    throw error;
  }
}

interface Props {
  preview: Preview;
  name: string;
  foot: ComponentChildren;
}

export function PolicyPreview({ preview, name, foot }: Props) {
  const [isAll, setAll] = useState(false);
  const { effects } = preview;
  const shown = isAll ? effects : effects.slice(0, ROWS);
  return (
    <Panel title="What would change" note={`${wholeCount(preview.matchedBefore)} matched now, ${wholeCount(preview.matchedAfter)} after`} clip foot={foot || undefined}>
      <ul class="strip flat">
        <li class="cell"><span class="k">Newly matched</span><span class={preview.newly > 0 ? "v plus" : "v"}>{preview.newly > 0 ? `+${wholeCount(preview.newly)}` : "0"}</span></li>
        <li class="cell"><span class="k">No longer matched</span><span class={preview.noLonger > 0 ? "v minus" : "v"}>{preview.noLonger > 0 ? `−${wholeCount(preview.noLonger)}` : "0"}</span></li>
        <li class="cell"><span class="k">Settings change</span><span class="v">{wholeCount(preview.settings)}</span></li>
      </ul>
      {effects.length === 0 ? (
        <p class="pad sub">Nothing changes: what matches has these settings already.</p>
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th class="fluid" scope="col">Queue or exchange</th>
              <th class="p2" scope="col">Policy now</th>
              <th scope="col">Policy after</th>
              <th class="hide-s" scope="col">Effect</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((effect) => (
              <tr key={`${effect.kind} ${effect.name}`}>
                <td class="fluid">
                  <a class="name" href={effect.kind === "queue" ? places.queue(effect.vhost, effect.name) : places.exchange(effect.vhost, effect.name)}>{exchangeTitle(effect.name)}</a>
                  {effect.kind === "exchange" && <span class="dim"> exchange</span>}
                </td>
                <td class="sub p2">{effect.before ?? "none"}</td>
                <td><span class={effect.after === effect.before ? "" : effect.after === name ? "plus" : "minus"}>{effect.after ?? "none"}</span></td>
                <td class="sub hide-s wrap-cell">{effect.changes.join(", ") || "no other setting"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {effects.length > ROWS && !isAll && (
        <p class="pad xs"><button class="btn ghost s" type="button" onClick={() => setAll(true)}>{wholeCount(effects.length - ROWS)} more</button></p>
      )}
    </Panel>
  );
}
