import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, Unreachable } from "../../api/http";
import type { Onward } from "../../api/looks";
import type { Look, Message } from "../../api/types";

/** What was looked at so far. */
export interface Looked {
  items: readonly Message[];
  scanned: number;
  total: number;
  /** In how many could not be told whether they fit: no JSON, or too much of it. */
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

/**
 * Look at messages, a page at a time.
 *
 * @param key Names what is looked at; another key begins anew. Null looks at nothing.
 * @param ask Asks the broker, from the beginning (null) or behind what was seen.
 */
export function useLook(key: string | null, ask: (from: Onward | null, signal: AbortSignal) => Promise<Look>): Looked {
  const [state, setState] = useState<State>(NOTHING);
  const busy = useRef<AbortController | null>(null);
  const held = useRef(ask);
  held.current = ask;
  const look = async (from: Onward | null): Promise<void> => {
    busy.current?.abort();
    const mine = new AbortController();
    busy.current = mine;
    setState((before) => ({ ...before, isBusy: true }));
    try {
      const told = await held.current(from, mine.signal);
      if (mine.signal.aborted) return;
      const isFirst = from === null;
      setState((before) => ({
        items: isFirst ? told.items : [...before.items, ...told.items],
        scanned: isFirst ? told.scanned : before.scanned + told.scanned,
        unsure: isFirst ? told.gave_up : before.unsure + told.gave_up,
        total: told.total,
        next: told.next,
        isBusy: false,
        isNew: false,
        fault: "",
      }));
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
