import { useState } from "preact/hooks";
import { finalize, type Cluster } from "../../api/cluster";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Figure } from "../../components/Figure";
import { Panel } from "../../components/Panel";
import { StateMark } from "../../components/StateMark";
import { age } from "../../format/age";
import { wholeCount } from "../../format/count";
import { askAgain } from "../../state/polling";
import { say } from "../../state/toasts";
import { STORE_AWAY_MS } from "./cluster";

/** What holds the cluster together: its metadata store, this node's lease, and who elects leaders. */
export function StorePanel({ cluster, mayAct }: { cluster: Cluster; mayAct: boolean }) {
  const [isAsked, setAsked] = useState(false);
  const heard = cluster.store_heard_ms ?? null;
  const isAway = heard === null || heard >= STORE_AWAY_MS;
  const [level, next] = [cluster.feature_level ?? 1, cluster.feature_level_next ?? 1];
  return (
    <Panel title="Metadata store" note={cluster.store}>
      <dl class="kv pad">
        <dt>state</dt><dd><StateMark state={isAway ? "down" : "running"} /></dd>
        <dt>heard</dt><dd>{heard === null ? "never" : <><Figure parts={age(heard)} /> ago</>}</dd>
        <dt>lease of this node</dt><dd>{cluster.lease_left_ms === null || cluster.lease_left_ms === undefined ? "none" : cluster.lease_left_ms === 0 ? "over" : <><Figure parts={age(cluster.lease_left_ms)} /> left</>}</dd>
        <dt>elects leaders</dt><dd>{cluster.controller ?? "nobody"}</dd>
        <dt>elections</dt><dd>{wholeCount(cluster.elections ?? 0)} by this node, {wholeCount(cluster.promotions ?? 0)} with accepted loss</dd>
        <dt>leaders to move</dt><dd>{wholeCount(cluster.moves_left ?? 0)}</dd>
        <dt>feature level</dt>
        <dd class="row wrap">
          {level}{next > level && <span class="dim"> all nodes can read {next}</span>}
          {mayAct && next > level && <Button look="s" onPress={() => setAsked(true)}>Finalize…</Button>}
        </dd>
      </dl>
      {isAsked && (
        <ConfirmDialog
          title={`Raise the feature level to ${next}`}
          losses={[{ amount: `${level} → ${next}`, what: "nodes write what older versions cannot read: none of them can come back" }]}
          typed=""
          act="Raise level"
          keep="Keep level"
          onClose={() => setAsked(false)}
          onConfirm={async () => {
            const done = await finalize();
            askAgain();
            say(`The feature level is ${done.feature_level}`);
          }}
        />
      )}
    </Panel>
  );
}
