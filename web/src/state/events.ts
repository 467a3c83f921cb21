import { useEffect, useRef, useState } from "preact/hooks";
import { useStore } from "./store";
import { paused } from "./range";

/** What a stream of events told so far. */
export interface Events<T> {
  /** The newest last; older ones than the most that are kept are gone. */
  items: readonly T[];
  state: "connecting" | "live" | "away";
  /** How many came while it stood still (Space). */
  waiting: number;
  /** How many the broker did not send, as they came too fast. */
  lost: number;
}

const SHOW_EVERY_MS = 200;

/**
 * Follow server-sent events while a component is shown. What comes is drawn five times a second at
 * most, and not at all while the page stands still.
 *
 * @param address Where they come from; null follows nothing. Another one begins anew.
 * @param most How many are kept.
 */
export function useEvents<T>(address: string | null, most: number, read: (data: string) => T | undefined): Events<T> {
  const [shown, setShown] = useState<Events<T>>({ items: [], state: "connecting", waiting: 0, lost: 0 });
  const stands = useStore(paused);
  const isHeld = useRef(stands);
  isHeld.current = stands;
  useEffect(() => {
    if (address === null) return undefined;
    let items: T[] = [];
    let state: Events<T>["state"] = "connecting";
    let fresh = 0;
    let lost = 0;
    let isOther = true;
    const source = new EventSource(address);
    source.onopen = () => { state = "live"; isOther = true; };
    source.onerror = () => { state = source.readyState === EventSource.CLOSED ? "away" : "connecting"; isOther = true; };
    const take = (event: MessageEvent<string>): void => {
      const item = read(event.data);
      if (item === undefined) return;
      items = [...items.slice(1 - most), item];
      fresh += 1;
      isOther = true;
    };
    source.addEventListener("message", take);
    source.addEventListener("msg", take);
    source.addEventListener("lag", (event: MessageEvent<string>) => {
      lost += (JSON.parse(event.data) as { lost: number }).lost;
      isOther = true;
    });
    const clock = setInterval(() => {
      if (!isOther) return;
      isOther = false;
      if (isHeld.current) setShown((before) => ({ ...before, state, waiting: fresh }));
      else {
        fresh = 0;
        setShown({ items, state, waiting: 0, lost });
      }
    }, SHOW_EVERY_MS);
    setShown({ items: [], state: "connecting", waiting: 0, lost: 0 });
    return () => {
      source.close();
      clearInterval(clock);
    };
  }, [address]);
  return shown;
}
