import { request } from "../../api/http";
import type { Look, Message } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Figure } from "../../components/Figure";
import { Icon } from "../../components/Icon";
import { Meter } from "../../components/Meter";
import { Note } from "../../components/Note";
import { Panel } from "../../components/Panel";
import { age } from "../../format/age";
import { wholeCount } from "../../format/count";
import { many } from "../../format/many";
import { shareOf } from "../../format/share";
import { places } from "../../route/places";
import { useCapability } from "../../state/capabilities";
import { usePolled } from "../../state/polling";
import { useRights } from "../../state/rights";
import { RunningJobs } from "../jobs/QueueJobs";
import { useJobs } from "../jobs/useJobs";
import { headersOf } from "../messages/body";
import { deathsOf } from "../messages/deaths";
import { RedrivePanel } from "./RedrivePanel";
import type { Target } from "./targets";

const LOOKED_AT = 200;
const ROWS = 10;

/** What is in one dead-letter queue: why, from where, and the way back. */
export function DeadLetterDetail({ target }: { target: Target }) {
  const { vhost, name } = target.queue;
  const canPeek = useCapability("POST queues/{}/{}/peek");
  const canMove = useCapability("POST queues/{}/{}/move");
  const rights = useRights();
  const jobs = useJobs().filter((job) => job.vhost === vhost && job.source === name);
  const told = usePolled(canPeek ? `peek ${vhost} ${name}` : null, (signal) =>
    request<Look>("POST", ["queues", vhost, name, "peek"], { body: { offset: 0, count: LOOKED_AT, state: "ready", encoding: "auto", truncate: 200 }, signal }),
    15_000,
  );
  const messages = told.data?.items ?? [];
  return (
    <div class="body">
      <div class="row wrap">
        <h2 class="big">{name}</h2>
        <span class="sub">holds <b>{many(target.queue.messages ?? 0, "message")}</b>{canPeek && messages.length > 0 && (messages.length >= (target.queue.messages_ready ?? 0) ? "; all are counted here" : `; the first ${wholeCount(messages.length)} are counted here`)}</span>
        <span class="push" />
        <a class="btn" href={places.queue(vhost, name, { tab: "messages" })}><Icon name="eye" />Browse all</a>
      </div>
      {canPeek ? (
        <div class="tri">
          <Shares title="Why" words={messages.map((message) => deathsOf(message).at(-1)?.reason ?? "never died")} />
          <Shares title="From" words={messages.map((message) => deathsOf(message).at(-1)?.queue ?? "–")} />
          <Shares title="What they say" words={messages.map((message) => String(headersOf(message)["x-exception"] ?? "no header"))} />
        </div>
      ) : (
        <Note>This broker cannot peek, so that nothing is told of its messages before they are taken.</Note>
      )}
      <Panel title="Where they come from" note="queues that send their dead letters here" clip>
        <table class="table">
          <tbody>
            {target.from.map((source) => (
              <tr key={source}><td class="fluid"><a class="name" href={places.queue(vhost, source)}>{source}</a></td></tr>
            ))}
          </tbody>
        </table>
      </Panel>
      <RunningJobs jobs={jobs} />
      {canMove && !rights.isReadOnly && <RedrivePanel vhost={vhost} name={name} ready={target.queue.messages_ready ?? 0} />}
      {messages.length > 0 && <FirstMessages messages={messages} />}
    </div>
  );
}

function Shares({ title, words }: { title: string; words: readonly string[] }) {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const rows = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 4);
  return (
    <Panel title={title} clip>
      <table class="table">
        <tbody>
          {rows.map(([word, count]) => (
            <tr key={word}>
              <td class="fluid" title={word}>{word}</td>
              <td class="num">{wholeCount(count)}</td>
              <td class="hide-s"><Meter share={shareOf(count, words.length)} size="mini" /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function FirstMessages({ messages }: { messages: readonly Message[] }) {
  return (
    <Panel title="Messages" note="the oldest first" clip>
      <table class="table">
        <thead>
          <tr>
            <th class="num" scope="col">Died</th>
            <th scope="col">Why</th>
            <th class="hide-s" scope="col">From</th>
            <th class="fluid" scope="col">Routing key</th>
            <th class="num p3" scope="col">Deaths</th>
          </tr>
        </thead>
        <tbody>
          {messages.slice(0, ROWS).map((message, index) => {
            const deaths = deathsOf(message);
            const last = deaths.at(-1);
            return (
              <tr key={index}>
                <td class="num"><Figure parts={age(last && last.at > 0 ? Date.now() - last.at : undefined)} /></td>
                <td>{last ? <Badge {...(last.reason === "rejected" ? { look: "bad" as const } : {})}>{last.reason}</Badge> : <span class="dim">–</span>}</td>
                <td class="sub hide-s">{last?.queue ?? "–"}</td>
                <td class="fluid mono">{message.routing_key}</td>
                <td class="num p3">{deaths.reduce((sum, death) => sum + death.count, 0)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Panel>
  );
}
