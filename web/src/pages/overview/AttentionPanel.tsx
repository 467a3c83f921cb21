import { Empty } from "../../components/Empty";
import { Figure } from "../../components/Figure";
import { Icon } from "../../components/Icon";
import { Panel } from "../../components/Panel";
import { roughAge } from "../../format/age";
import { useAttention } from "../../state/attention";
import { now } from "../../state/clock";
import { useStore } from "../../state/store";
import { placeOf } from "./attentionPlace";
import { LongestQueues } from "./LongestQueues";

/** What needs a hand, worst first. A broker that does not compute it shows its longest queues. */
export function AttentionPanel() {
  const entries = useAttention();
  const at = useStore(now);
  if (entries === undefined) return <LongestQueues />;
  return (
    <Panel title="Needs attention" note={entries.length === 0 ? "nothing" : `${entries.length}, worst first`} clip id="attention">
      {entries.length === 0 ? (
        <Empty icon="check" title="Nothing needs a hand">
          Queues that grow, consumers that ack nothing and messages that go nowhere would stand here.
        </Empty>
      ) : (
        <ul class="attn">
          {entries.map((entry) => (
            <li key={`${entry.kind} ${entry.vhost} ${entry.name} ${entry.rule ?? entry.text}`}>
              <Icon name={entry.severity} class={entry.severity} />
              <a class="what" href={placeOf(entry)}><b>{entry.name}</b> {entry.text}</a>
              <span class={`n ${entry.severity}`}>{entry.amount}</span>
              <span class="since">{entry.since !== undefined && <Figure parts={roughAge(at - entry.since)} />}</span>
              <Icon name="right" small class="go" />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
