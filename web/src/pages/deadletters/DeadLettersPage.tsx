import { request } from "../../api/http";
import { ORIGIN } from "../../api/jobs";
import type { Binding, Queue } from "../../api/types";
import { Bones } from "../../components/Bones";
import { Empty } from "../../components/Empty";
import { Failed } from "../../components/Failed";
import { Count } from "../../components/Figure";
import { PageHead } from "../../components/PageHead";
import { Sparkline } from "../../components/Sparkline";
import { wholeCount } from "../../format/count";
import { many } from "../../format/many";
import { href, useAddress } from "../../route/router";
import { usePolled } from "../../state/polling";
import { useStore } from "../../state/store";
import { chosenVhost } from "../../state/vhost";
import { PastJobs } from "../jobs/PastJobs";
import { useJobs } from "../jobs/useJobs";
import { QUEUE_FIELDS } from "../queues/queueColumns";
import { remembered } from "../queues/readyMemory";
import { DeadLetterDetail } from "./DeadLetterDetail";
import { targetsOf, type Target } from "./targets";

const EVERY_MS = 10_000;
const REDRIVES_MAX = 5;

/** Queues that dead letters end in, and what is in them. */
export function DeadLettersPage() {
  const { query } = useAddress();
  const vhost = useStore(chosenVhost);
  const told = usePolled(`dead letters ${vhost}`, (signal) => readTargets(vhost, signal), EVERY_MS);
  const all = [...(told.data ?? [])].sort((one, other) => (other.queue.messages ?? 0) - (one.queue.messages ?? 0));
  const filled = all.filter((target) => (target.queue.messages ?? 0) > 0);
  const isAll = query.view === "all" || filled.length === 0;
  const shown = isAll ? all : filled;
  const waiting = filled.reduce((sum, target) => sum + (target.queue.messages ?? 0), 0);
  const redrives = useJobs().filter((job) => job.dest === ORIGIN && (vhost === "" || job.vhost === vhost)).slice(0, REDRIVES_MAX);
  const open = shown.find((target) => idOf(target) === query.open) ?? shown[0];
  return (
    <>
      <PageHead
        title="Dead letters"
        of={told.data && `${wholeCount(waiting)} in ${many(filled.length, "queue")}`}
        tabs={[
          { title: "With messages", href: href(["dead-letters"]), isCurrent: !isAll, n: told.data && filled.length, look: "warn" },
          { title: "All targets", href: href(["dead-letters"], { view: "all" }), isCurrent: isAll, n: told.data && all.length },
        ]}
      />
      {told.data === undefined ? (
        told.error ? <Failed what="The list of dead letters" error={told.error} /> : <Bones />
      ) : open === undefined ? (
        <Empty icon="dead" title="No queue takes dead letters">
          A queue with the setting <code>dead-letter-exchange</code> sends there what expires, is rejected, or finds no room.
        </Empty>
      ) : (
        <div class="split left">
          <div class="col side-list">
            <div class="scroll" tabIndex={0} role="region" aria-label="Dead-letter queues">
              <table class="table roomy">
                <thead>
                  <tr>
                    <th class="fluid" scope="col">Queue</th>
                    <th class="num" scope="col" aria-sort="descending">Waiting</th>
                    <th class="hide-s" scope="col">10 m</th>
                  </tr>
                </thead>
                <tbody>
                  {shown.map((target) => (
                    <tr key={idOf(target)} aria-selected={target === open ? true : undefined} class={target === open ? "cursor" : undefined}>
                      <td class="fluid">
                        <a class="name" href={href(["dead-letters"], { ...query, open: idOf(target) })}>{target.queue.name}</a> <span class="dim">{target.queue.vhost}</span>
                      </td>
                      <td class="num"><Count value={target.queue.messages} /></td>
                      <td class="hide-s"><Sparkline values={remembered(idOf(target), target.queue.messages ?? 0, Date.now())} measure="redeliver" width={56} /></td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {redrives.length > 0 && <div class="below"><h3>Last redrives</h3><PastJobs jobs={redrives} /></div>}
            </div>
          </div>
          <div class="col over"><DeadLetterDetail key={idOf(open)} target={open} /></div>
        </div>
      )}
    </>
  );
}

const idOf = (target: Target): string => `${target.queue.vhost} ${target.queue.name}`;

async function readTargets(vhost: string, signal: AbortSignal): Promise<Target[]> {
  const path = vhost === "" ? [] : [vhost];
  const [queues, bindings] = await Promise.all([
    request<Queue[]>("GET", ["queues", ...path], { query: { columns: QUEUE_FIELDS }, signal }),
    request<Binding[]>("GET", ["bindings", ...path], { signal }),
  ]);
  return targetsOf(queues, bindings);
}
