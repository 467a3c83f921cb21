import { useState } from "preact/hooks";
import { addressOf } from "../../api/http";
import type { Message } from "../../api/types";
import { Button } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Icon } from "../../components/Icon";
import { StateMark } from "../../components/StateMark";
import { wholeCount } from "../../format/count";
import { saveFile } from "../../list/exporting";
import { useEvents } from "../../state/events";
import { useKeys } from "../../state/keys";
import { paused } from "../../state/range";
import { useStore } from "../../state/store";
import { MessagePanel } from "./MessagePanel";
import { MessageRows } from "./MessageRows";

const KEPT = 2_000;
const SHOWN = 200;

interface Props {
  /** The route that sends copies: of a queue or of an exchange. */
  route: readonly string[];
  vhost: string;
  name: string;
}

/** Copies of the messages that pass, the newest first; nothing is taken. */
export function TailTab({ route, vhost, name }: Props) {
  const stands = useStore(paused);
  const [text, setText] = useState("");
  const [open, setOpen] = useState<Message | null>(null);
  const live = useEvents<Message>(addressOf(route), KEPT, (data) => JSON.parse(data) as Message);
  const low = text.toLowerCase();
  const fits = (message: Message): boolean => `${message.routing_key} ${message.exchange} ${message.payload}`.toLowerCase().includes(low);
  const all = live.items.filter((message) => low === "" || fits(message));
  const shown = all.slice(-SHOWN).reverse();
  const at = open === null ? -1 : shown.indexOf(open);
  const step = (by: number): void => setOpen(shown[Math.max(0, Math.min(shown.length - 1, at + by))] ?? null);
  useKeys({ j: () => step(1), k: () => step(-1), Escape: () => setOpen(null) });
  const save = (): void => saveFile(`${name}-tail.jsonl`, `${all.map((one) => JSON.stringify(one)).join("\n")}\n`, "application/x-ndjson");
  return (
    <div class={open ? "split" : "split whole"}>
      <div class="col">
        <div class="tools">
          <label class="input filter">
            <Icon name="filter" />
            <input aria-label="Show only" placeholder="Show only what has these words" value={text} onInput={(event) => setText(event.currentTarget.value)} />
          </label>
          <span class="push hide-s" />
          <Button icon={stands ? "play" : "pause"} onPress={() => paused.set(!stands)}>{stands ? "Go on" : "Hold"}</Button>
          <Button class="hide-s" icon="download" disabled={all.length === 0} onPress={save}>Save</Button>
        </div>
        {shown.length === 0 ? (
          <Empty icon="tail" title={live.state === "away" ? "The broker ended it" : "Nothing has come yet"}>
            {live.state === "away" ? "Too many look on, or you may not." : "A copy of each message that comes stands here as it comes."}
          </Empty>
        ) : (
          <MessageRows messages={shown} kind="tail" open={at} onOpen={(index) => setOpen(shown[index] ?? null)} />
        )}
        <div class="status">
          <StateMark state={stands ? "paused" : live.state === "live" ? "running" : live.state === "away" ? "down" : "starting"} />
          <span>{wholeCount(all.length)} came, the newest first</span>
          {live.lost > 0 && <span class="warn">{wholeCount(live.lost)} were too fast to show</span>}
          {live.waiting > 0 && <span class="warn">{wholeCount(live.waiting)} came since</span>}
          <span class="push row hide-s"><Icon name="eye" small />These are copies</span>
        </div>
      </div>
      {open && (
        <MessagePanel message={open} vhost={vhost} title={open.routing_key || "Message"} note={at < 0 ? "no longer in the list" : `${at + 1} of ${shown.length}`} onStep={step} onClose={() => setOpen(null)} />
      )}
    </div>
  );
}
