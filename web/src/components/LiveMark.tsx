import { age } from "../format/age";
import { textOf } from "../format/parts";
import { now } from "../state/clock";
import { health, isStale } from "../state/health";
import { paused } from "../state/range";
import { useStore } from "../state/store";

/** How old the numbers are: live, paused, stale or offline. */
export function LiveMark({ class: extra }: { class?: string }) {
  const known = useStore(health);
  const at = useStore(now);
  const stands = useStore(paused);
  const since = known.answeredAt === 0 ? "" : textOf(age(Math.max(0, at - known.answeredAt)));
  const look = ["live", extra];
  let text = "Live";
  if (known.offlineSince !== null) {
    look.push("away");
    text = `Offline, ${since} old`;
  } else if (stands) {
    look.push("stands");
    text = `Paused, ${since} old`;
  } else if (isStale(known, at)) {
    look.push("old");
    text = `Live, ${since} old`;
  }
  return <span class={look.filter(Boolean).join(" ")}>{text}</span>;
}
