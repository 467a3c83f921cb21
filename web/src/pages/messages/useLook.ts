import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, Unreachable } from "../../api/http";
import type { Onward } from "../../api/looks";
import type { Look, Message } from "../../api/types";

/** What was looked at so far. */
export interface Looked {
  items: readonly Message[];
  scanned: number;
  total: number;
  /** In how many could not be told whether they fit: no JSON, cut, or too much of it. */
  unsure: number;
  next: Onward | null;
  isBusy: boolean;
  /** Nothing was looked at yet. */
  isNew: boolean;
  fault: string;
  /** Look from the beginning. */
  again: () => void;
  /** Look on behind what is shown. */
  onward: () => void;
}

type State = Omit<Looked, "again" | "onward">;

const NOTHING: State = { items: [], scanned: 0, total: 0, unsure: 0, next: null, isBusy: false, isNew: true, fault: "" };

/** Whether a message that the broker sent is kept; undefined cannot be told. */
export type Keep = (message: Message) => Promise<boolean | undefined>;

/** Where the browser keeps some only, a look goes on until so many fit, or so many were scanned. */
const WANTED = 50;
const SCANNED_MAX = 2_000;

/**
 * Look at messages, a page at a time.
 *
 * @param key Names what is looked at; another key begins anew. Null looks at nothing.
 * @param ask Asks the broker, from the beginning (null) or behind what was seen.
 * @param keep Which of them are shown; without it, all.
 */
export function useLook(key: string | null, ask: (from: Onward | null, signal: AbortSignal) => Promise<Look>, keep?: Keep): Looked {
  const [state, setState] = useState<State>(NOTHING);
  const busy = useRef<AbortController | null>(null);
  const held = useRef({ ask, keep });
  held.current = { ask, keep };
  const look = async (from: Onward | null): Promise<void> => {
    busy.current?.abort();
    const mine = new AbortController();
    busy.current = mine;
    setState((before) => ({ ...before, isBusy: true }));
    try {
      let place = from;
      for (let kept = 0, scanned = 0; ; ) {
        const told = await held.current.ask(place, mine.signal);
        const { items, unsure } = await chosenOf(told.items, held.current.keep);
        if (mine.signal.aborted) return;
        kept += items.length;
        scanned += told.scanned;
        const goesOn = held.current.keep !== undefined && told.next !== null && kept < WANTED && scanned < SCANNED_MAX;
        const isFirst = place === null;
        setState((before) => ({
          items: isFirst ? items : [...before.items, ...items],
          scanned: isFirst ? told.scanned : before.scanned + told.scanned,
          unsure: isFirst ? unsure : before.unsure + unsure,
          total: told.total,
          next: told.next,
          isBusy: goesOn,
          isNew: false,
          fault: "",
        }));
        if (!goesOn) return;
        place = told.next;
      }
    } catch (error) {
      if (mine.signal.aborted) return;
      const fault = error instanceof ApiError ? error.reason : error instanceof Unreachable ? error.message : String(error);
      setState((before) => ({ ...before, isBusy: false, isNew: false, fault }));
    }
  };
  useEffect(() => {
    if (key === null) return undefined;
    setState(NOTHING);
    void look(null);
    return () => busy.current?.abort();
  }, [key]);
  return { ...state, again: () => void look(null), onward: () => void look(state.next) };
}

async function chosenOf(items: readonly Message[], keep: Keep | undefined): Promise<{ items: readonly Message[]; unsure: number }> {
  if (keep === undefined) return { items, unsure: 0 };
  const kept: Message[] = [];
  let unsure = 0;
  for (const message of items) {
    const is = await keep(message);
    if (is) kept.push(message);
    if (is === undefined) unsure += 1;
  }
  return { items: kept, unsure };
}
