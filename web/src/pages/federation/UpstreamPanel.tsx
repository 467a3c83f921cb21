import { useState } from "preact/hooks";
import { ApiError, request } from "../../api/http";
import type { Policy } from "../../api/types";
import { Button } from "../../components/Button";
import { Field } from "../../components/Field";
import { IconButton } from "../../components/IconButton";
import { Note } from "../../components/Note";
import { Segmented } from "../../components/Segmented";
import { wholeCount } from "../../format/count";
import { exchangeTitle } from "../../format/names";
import { withoutPassword } from "../../format/uris";
import { places } from "../../route/places";
import { askAgain } from "../../state/polling";
import { say } from "../../state/toasts";
import { usePreview } from "../policies/PolicyPreview";
import { policyFor, urisOf, type Upstream } from "./upstream";

interface Props {
  upstream: Upstream;
  policies: readonly Policy[];
  /** The policies that make links of it. */
  uses: readonly Policy[];
  onEdit: () => void;
  onDelete: () => void;
  onClose: () => void;
}

/** One upstream: how it is set, which policies use it, and what another policy would link. */
export function UpstreamPanel({ upstream, policies, uses, onEdit, onDelete, onClose }: Props) {
  const { uri: _, ...settings } = upstream.value;
  return (
    <section class="sidepanel" aria-label="Upstream">
      <header>
        <h2 class="cut" title={upstream.name}>{upstream.name}</h2>
        <span class="push" />
        <Button look="s" icon="edit" onPress={onEdit}>Edit…</Button>
        <IconButton icon="x" small label="Close (Esc)" onPress={onClose} />
      </header>
      <div class="in">
        <dl class="kv tight">
          {urisOf(upstream.value).map((uri) => (<><dt>address</dt><dd class="mono">{withoutPassword(uri)}</dd></>))}
          <dt>virtual host</dt><dd>{upstream.vhost}</dd>
          {Object.entries(settings).map(([key, value]) => (<><dt>{key}</dt><dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd></>))}
        </dl>
        <div>
          <h3>Policies that use it</h3>
          {uses.length === 0 ? <Note look="warn">None: it feeds nothing yet.</Note> : (
            <ul class="route">
              {uses.map((policy) => (
                <li key={policy.name} class="plain"><span><a href={places.policy(policy.vhost, policy.name)}>{policy.name}</a><span class="why"><span class="mono">{policy.pattern}</span> {policy["apply-to"]}</span></span></li>
              ))}
            </ul>
          )}
        </div>
        <NewPolicy upstream={upstream} policies={policies} />
        <div><Button look="outline-bad" icon="trash" onPress={onDelete}>Delete upstream…</Button></div>
      </div>
    </section>
  );
}

const SHOWN = 5;

/** A policy for this upstream, and what it would change, before it is saved. */
function NewPolicy({ upstream, policies }: { upstream: Upstream; policies: readonly Policy[] }) {
  const [pattern, setPattern] = useState("");
  const [appliesTo, setAppliesTo] = useState("exchanges");
  const [fault, setFault] = useState("");
  const highest = Math.max(0, ...policies.filter((policy) => policy.vhost === upstream.vhost).map((policy) => policy.priority));
  const wanted = policyFor(upstream, pattern, appliesTo, highest + 1);
  const preview = usePreview(policies, policies.find((policy) => policy.name === wanted.name && policy.vhost === wanted.vhost) ?? null, wanted);
  const effects = pattern === "" ? [] : (preview.told?.effects ?? []).filter((effect) => effect.after === wanted.name);
  const replaced = effects.filter((effect) => effect.before !== undefined && effect.before !== wanted.name).length;
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      await request("PUT", ["policies", wanted.vhost, wanted.name], { body: { pattern, definition: wanted.definition, priority: wanted.priority, "apply-to": appliesTo } });
      askAgain();
      say(`Saved policy ${wanted.name}`);
      setPattern("");
      setFault("");
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : String(error));
    }
  };
  return (
    <form class="stack" onSubmit={(event) => void save(event)}>
      <h3>Let it feed</h3>
      <Segmented label="Kind" chosen={appliesTo} onChoose={setAppliesTo} choices={[{ id: "exchanges", title: "Exchanges" }, { id: "queues", title: "Queues" }]} />
      <Field label="Name matches" hint="regular expression" isMono required value={pattern} onInput={setPattern} placeholder="^orders\." {...(preview.fault ? { error: preview.fault } : {})} />
      {pattern !== "" && preview.fault === undefined && (
        <div>
          <p class="sub">{effects.length === 0 ? "Nothing here matches yet; what is declared later will." : `${wholeCount(effects.length)} here would get a link:`}</p>
          <ul class="numlist">
            {effects.slice(0, SHOWN).map((effect) => <li key={effect.name} class="cut" title={effect.name}>{exchangeTitle(effect.name)}</li>)}
            {effects.length > SHOWN && <li class="dim">and {wholeCount(effects.length - SHOWN)} more</li>}
          </ul>
          {replaced > 0 && <Note look="warn">{wholeCount(replaced)} of them would lose the policy that they have now: one holds alone.</Note>}
        </div>
      )}
      {fault !== "" && <Note look="bad">{fault}</Note>}
      <div><Button submit icon="check" disabled={pattern === "" || preview.fault !== undefined}>{`Save policy for ${wholeCount(effects.length)}`}</Button></div>
    </form>
  );
}
