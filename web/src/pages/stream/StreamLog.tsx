import { rateOf } from "../../api/counters";
import type { Queue } from "../../api/types";
import { Count, Figure } from "../../components/Figure";
import { Note } from "../../components/Note";
import { Panel } from "../../components/Panel";
import { Strip, Tile } from "../../components/Tile";
import { age } from "../../format/age";
import { bytes } from "../../format/bytes";
import { count, wholeCount } from "../../format/count";
import { many } from "../../format/many";
import { textOf } from "../../format/parts";
import { rate } from "../../format/rate";
import { setQuery, useAddress } from "../../route/router";
import { now } from "../../state/clock";
import { useStore } from "../../state/store";
import { ReplicasPanel } from "../queue/ReplicasPanel";
import { policyOf } from "../queues/features";
import { inRate } from "../queues/queueColumns";
import { LogRuler } from "./LogRuler";
import type { Reader } from "./readers";
import type { Segment } from "./segments";
import { StreamMessages } from "./StreamMessages";
import { useSegments } from "./useSegments";

/** What a stream keeps: its numbers, the log as it lies, and its messages from any place on. */
export function StreamLog({ queue, readers }: { queue: Queue; readers: readonly Reader[] }) {
  const { query } = useAddress();
  const { segments, areTold } = useSegments(queue);
  const here = query.at === undefined ? undefined : Number(query.at);
  return (
    <div class="body">
      <ReplicasPanel queue={queue} />
      <Now queue={queue} readers={readers} segments={segments ?? []} />
      <Panel
        title="Log"
        note={segments && (areTold ? `${many(segments.length, "segment")}, a bar each; press to go there` : "from its first message to its last; press to go there")}
        acts={<span class="legend hide-s"><span class="row"><svg class="c-bytes" width="10" height="10" aria-hidden="true"><rect width="10" height="10" rx="2" fill="currentColor" /></svg>being written</span></span>}
      >
        {segments === undefined ? (
          <div class="pad"><Note>This broker does not tell where the messages of a stream are.</Note></div>
        ) : segments.length === 0 ? (
          <div class="pad"><Note>Nothing is written yet.</Note></div>
        ) : (
          <LogRuler segments={segments} readers={readers} here={here} onGo={(offset) => setQuery({ from: String(offset), message: undefined, at: String(offset) })} />
        )}
      </Panel>
      <StreamMessages queue={queue} />
    </div>
  );
}

function Now({ queue, readers, segments }: { queue: Queue; readers: readonly Reader[]; segments: readonly Segment[] }) {
  const at = useStore(now);
  const first = segments[0];
  const last = segments.at(-1);
  const slowest = readers.find((reader) => reader.lag !== undefined);
  const since = first?.first_timestamp;
  return (
    <Strip label="Now">
      <Tile stat title="Messages" value={<Count value={queue.messages} />} note={first && last ? `${wholeCount(first.first_offset)} to ${wholeCount(last.last_offset)}` : ""} />
      <Tile stat title="Written" value={<Figure parts={rate(inRate(queue))} />} note="by all publishers" />
      <Tile stat title="Read" value={<Figure parts={rate(rateOf(queue.message_stats, "deliver_get") ?? 0)} />} note={many(readers.length, "reader")} />
      <Tile stat title="Size" value={<Figure parts={bytes(queue.message_bytes)} />} note={queue.messages && queue.message_bytes ? `${textOf(bytes(queue.message_bytes / queue.messages))} a message` : ""} />
      <Tile stat title="Goes back" value={<Figure parts={age(since === undefined ? undefined : at - since)} />} note={keepsOf(queue)} />
      <Tile
        stat
        title="Slowest reader"
        value={slowest === undefined ? "–" : slowest.lag === 0 ? "0" : <Figure parts={count(slowest.lag)} />}
        note={slowest === undefined ? "nobody tells where it is" : slowest.lag === 0 ? "all are at the end" : `messages behind, ${slowest.name}`}
      />
    </Strip>
  );
}

/** What limits a stream, in words. */
export function keepsOf(queue: Queue): string {
  const policy = policyOf(queue);
  const span = queue.arguments["x-max-age"] ?? policy["max-age"];
  const size = queue.arguments["x-max-length-bytes"] ?? policy["max-length-bytes"];
  const limits = [typeof span === "string" ? span : "", typeof size === "number" ? textOf(bytes(size)) : ""].filter((word) => word !== "");
  return limits.length === 0 ? "no limit: it keeps all" : `limit: ${limits.join(" or ")}`;
}
