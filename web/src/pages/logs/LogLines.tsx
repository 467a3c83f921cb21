import { useEffect, useRef } from "preact/hooks";
import { Button } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Icon } from "../../components/Icon";
import { Segmented } from "../../components/Segmented";
import { StateMark } from "../../components/StateMark";
import { wholeCount } from "../../format/count";
import { exactMoment } from "../../format/moment";
import { saveFile } from "../../list/exporting";
import { setQuery, useAddress } from "../../route/router";
import { useEvents } from "../../state/events";
import { paused } from "../../state/range";
import { useStore } from "../../state/store";

/** A line of the broker's log (`GET logs` and `GET livelog`, HareMQ's own). */
export interface LogLine {
  number: number;
  /** Milliseconds since 1970. */
  timestamp: number;
  severity: string;
  source: string;
  message: string;
  traceback?: string;
}

const LEVELS = ["debug", "info", "warning", "error"];
const KEPT = 2_000;
const SHOWN = 500;
/** Nearer to the foot than this, the list follows what comes. */
const FOLLOW_PX = 60;

/** Lines that were written before, and those that come; the newest stands at the foot. */
export function LogLines({ before }: { before: readonly LogLine[] }) {
  const { query } = useAddress();
  const stands = useStore(paused);
  const frame = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const after = before.at(-1)?.number ?? 0;
  const live = useEvents<LogLine>(`api/livelog?after=${after}`, KEPT, (data) => JSON.parse(data) as LogLine);
  const level = query.level ?? "info";
  const text = (query.find ?? "").toLowerCase();
  const isSevere = (line: LogLine): boolean => !LEVELS.includes(line.severity) || LEVELS.indexOf(line.severity) >= LEVELS.indexOf(level);
  const all = [...before, ...live.items];
  const lines = all.filter((line) => isSevere(line) && `${line.source} ${line.message}`.toLowerCase().includes(text));
  useEffect(() => {
    if (follows.current && frame.current !== null) frame.current.scrollTop = frame.current.scrollHeight;
  }, [lines.length]);
  const save = (): void => saveFile("haremq-log.jsonl", `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`, "application/x-ndjson");
  return (
    <>
      <div class="tools">
        <label class="input filter">
          <Icon name="search" />
          <input aria-label="Find in the log" placeholder="Find in the log" value={query.find ?? ""} onInput={(event) => setQuery({ find: event.currentTarget.value })} />
        </label>
        <Segmented label="Least level" chosen={level} choices={LEVELS.map((id) => ({ id, title: id }))} onChoose={(id) => setQuery({ level: id === "info" ? undefined : id })} />
        <span class="push hide-s" />
        <Button class="hide-s" icon={stands ? "play" : "pause"} onPress={() => paused.set(!stands)}>{stands ? "Go on" : "Hold"}</Button>
        <Button class="hide-s" icon="download" onPress={save}>Save</Button>
      </div>
      <div
        class="scroll"
        ref={frame}
        tabIndex={0}
        role="region"
        aria-label="Log"
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          follows.current = scrollHeight - scrollTop - clientHeight < FOLLOW_PX;
        }}
      >
        {lines.length === 0 ? (
          <Empty icon="logs" title="No line fits">Nothing of this level was written that has these words.</Empty>
        ) : (
          <table class="table wraps">
            <thead><tr><th scope="col">Time</th><th scope="col">Level</th><th class="fluid" scope="col">Message</th><th class="p3" scope="col">Source</th></tr></thead>
            <tbody>{lines.slice(-SHOWN).map((line) => <Line key={line.number} line={line} />)}</tbody>
          </table>
        )}
      </div>
      <div class="status">
        <span>{wholeCount(lines.length)} of {wholeCount(all.length)} lines{lines.length > SHOWN && `, the last ${wholeCount(SHOWN)} shown`}</span>
        <span class="push" />
        {live.waiting > 0 && <span class="warn">{wholeCount(live.waiting)} came since</span>}
        <StateMark state={stands ? "paused" : live.state === "live" ? "running" : live.state === "away" ? "down" : "starting"} />
      </div>
    </>
  );
}

function Line({ line }: { line: LogLine }) {
  const look = line.severity === "error" || line.severity === "critical" ? "bad" : line.severity === "warning" ? "warn" : "sub";
  return (
    <tr>
      <td class="mono sub">{exactMoment(line.timestamp, Date.now())}</td>
      <td class={look}>{line.severity}</td>
      <td class="fluid mono" title={line.message}>
        {line.message}
        {line.traceback && <pre class="code">{line.traceback}</pre>}
      </td>
      <td class="sub p3">{line.source}</td>
    </tr>
  );
}
