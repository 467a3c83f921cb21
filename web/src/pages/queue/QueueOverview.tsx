import { detailsOf, lengthSamples, rateOf } from "../../api/counters";
import { peek } from "../../api/looks";
import { lengthSeries, rateSeries } from "../../api/series";
import type { Binding, Queue } from "../../api/types";
import { Chart } from "../../components/Chart";
import { Count, Figure } from "../../components/Figure";
import { Strip, Tile } from "../../components/Tile";
import { age } from "../../format/age";
import { bytes } from "../../format/bytes";
import { count, isMeasured } from "../../format/count";
import { many } from "../../format/many";
import { textOf } from "../../format/parts";
import { rate, rateDigits } from "../../format/rate";
import { useCapability } from "../../state/capabilities";
import { now } from "../../state/clock";
import { usePolled } from "../../state/polling";
import { useStore } from "../../state/store";
import { QueueJobs } from "../jobs/QueueJobs";
import { propertiesOf } from "../messages/body";
import { headAge, inRate } from "../queues/queueColumns";
import { ConsumersPanel } from "./ConsumersPanel";
import { drainOf, slopeOf } from "./drain";
import { EffectiveSettings } from "./EffectiveSettings";
import { ReplicasPanel } from "./ReplicasPanel";

interface Props {
  queue: Queue;
  bindings: readonly Binding[];
}

export function QueueOverview({ queue, bindings }: Props) {
  const stats = queue.message_stats;
  const rates = rateSeries([
    detailsOf(stats, "publish"),
    detailsOf(stats, "deliver_get"),
    detailsOf(stats, "ack"),
    detailsOf(stats, "redeliver"),
  ]);
  const lengths = lengthSeries([lengthSamples(queue, "messages_ready"), lengthSamples(queue, "messages_unacknowledged")]);
  const slope = slopeOf(lengths.times, lengths.lines[0] ?? []);
  return (
    <div class="body">
      <Now queue={queue} bindings={bindings} slope={slope} />
      <QueueJobs vhost={queue.vhost} name={queue.name} />
      <ReplicasPanel queue={queue} />
      <div class="grid2">
        <Chart
          title="Rates"
          times={rates.times}
          format={rate}
          compact
          parts={[
            {
              height: 200,
              lines: [
                { title: "In", measure: "publish", values: rates.lines[0] ?? [] },
                { title: "Delivered", measure: "deliver", values: rates.lines[1] ?? [] },
                { title: "Acknowledged", measure: "ack", values: rates.lines[2] ?? [] },
                { title: "Redelivered", measure: "redeliver", values: rates.lines[3] ?? [] },
              ],
            },
          ]}
        />
        <Chart
          title="Messages"
          times={lengths.times}
          format={count}
          compact
          parts={[
            { height: 140, isWhole: true, lines: [{ title: "Ready", measure: "ready", values: lengths.lines[0] ?? [] }] },
            { height: 46, isWhole: true, lines: [{ title: "Unacked", measure: "unacked", values: lengths.lines[1] ?? [] }] },
          ]}
        />
      </div>
      <div class="grid2">
        <EffectiveSettings queue={queue} />
        <ConsumersPanel queue={queue} rowsMax={6} />
      </div>
    </div>
  );
}

function Now({ queue, bindings, slope }: Props & { slope: number | undefined }) {
  const at = useStore(now);
  const told = useHeadTime(queue);
  const waits = headAge(queue, at) ?? (told === undefined ? undefined : at - told);
  const growth = slope ?? queue.messages_ready_details?.rate;
  const drain = drainOf(queue.messages_ready, slope);
  const each = queue.message_bytes && queue.messages ? queue.message_bytes / queue.messages : undefined;
  return (
    <Strip label="Now">
      <Tile stat title="Ready" value={<Count value={queue.messages_ready} />} note={<Growth perSecond={growth} />} />
      <Tile stat title="Unacked" value={<Count value={queue.messages_unacknowledged} />} note={many(queue.consumers ?? 0, "consumer")} />
      <Tile stat title="In" value={<Figure parts={rate(inRate(queue))} />} note={many(bindings.length, "binding")} />
      <Tile stat title="Acknowledged" value={<Figure parts={rate(rateOf(queue.message_stats, "ack") ?? 0)} />} note={<><Figure parts={rate(rateOf(queue.message_stats, "redeliver") ?? 0)} /> redelivered</>} />
      <Tile stat title="Oldest message" value={<Figure parts={age(waits)} title="told by messages that carry a time" />} note={isMeasured(waits) ? "by its own time" : "carries no time"} />
      <Tile stat title="Size" value={<Figure parts={bytes(queue.message_bytes)} />} note={each === undefined ? "" : `${textOf(bytes(each))} a message`} />
      <Tile
        stat
        title="Drains in"
        look={drain.word === "grows" ? "warn" : undefined}
        value={drain.inMs === undefined ? (drain.word === "grows" ? "never" : "–") : <Figure parts={age(drain.inMs)} />}
        note={DRAIN_NOTES[drain.word]}
      />
    </Strip>
  );
}

/** When the message at the head was made, as it says itself; undefined is not known. */
function useHeadTime(queue: Queue): number | undefined {
  const canPeek = useCapability("POST queues/{}/{}/peek");
  const isAsked = canPeek && (queue.messages_ready ?? 0) > 0;
  const key = `head ${encodeURIComponent(queue.vhost)}/${encodeURIComponent(queue.name)}`;
  const told = usePolled(isAsked ? key : null, (signal) => peek({ vhost: queue.vhost, queue: queue.name, count: 1, truncate: 0, signal }), 15_000);
  const head = told.data?.items[0];
  const time = head === undefined ? undefined : propertiesOf(head).timestamp;
  return isAsked && typeof time === "number" ? time * 1000 : undefined;
}

const DRAIN_NOTES = {
  empty: "it is empty",
  grows: "at the rates of now",
  rests: "nothing moves",
  drains: "at the rates of now",
  unknown: "known after 30 s",
};

function Growth({ perSecond }: { perSecond: number | undefined }) {
  if (perSecond === undefined || Math.abs(perSecond) < 0.05) return <span class="delta">steady</span>;
  return perSecond > 0 ? (
    <span class="delta up">▲ {rateDigits(perSecond)}/s</span>
  ) : (
    <span class="delta down">▼ {rateDigits(-perSecond)}/s</span>
  );
}
