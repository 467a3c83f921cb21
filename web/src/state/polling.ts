import { useEffect, useState } from "preact/hooks";
import { ApiError, Unreachable } from "../api/http";
import { markAnswer, markSilence, health } from "./health";
import { paused } from "./range";

/** What is known of a thing that is asked for again and again. */
export interface Polled<T> {
  data: T | undefined;
  /** When the data came, in milliseconds; 0 is not yet. */
  at: number;
  /** Why the last question failed; the data before it stays. */
  error: ApiError | undefined;
}

interface Question {
  load: (signal: AbortSignal) => Promise<unknown>;
  everyMs: number;
  dueAt: number;
  busy: AbortController | null;
  state: Polled<unknown>;
  watchers: Set<(state: Polled<unknown>) => void>;
}

const TICK_MS = 250;
const KEPT_MS = 60_000;
const NOTHING: Polled<never> = { data: undefined, at: 0, error: undefined };

/** One clock asks all questions; two that ask the same share one request. */
const questions = new Map<string, Question>();
let clock: ReturnType<typeof setInterval> | null = null;

export const POLL_MS = 5_000;

/**
 * Ask for a thing now and every `everyMs`, while the tab is seen and nobody paused.
 *
 * @param key Names the question: the same key is the same answer. Null asks nothing.
 */
export function usePolled<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  everyMs: number = POLL_MS,
): Polled<T> {
  const [state, setState] = useState<Polled<T>>(() => known(key));
  useEffect(() => {
    if (key === null) return undefined;
    setState((before) => {
      const found = known<T>(key);
      // While the first answer to a new question is awaited, the old rows stay.
      return found.at === 0 ? { ...before, error: undefined } : found;
    });
    return watch(key, load, everyMs, (next) => setState(next as Polled<T>));
  }, [key]);
  return state;
}

/** Ask the questions whose keys begin so, now: something was changed. */
export function askAgain(prefix = ""): void {
  for (const [key, question] of questions) {
    if (key.startsWith(prefix)) question.dueAt = 0;
  }
  tick();
}

function known<T>(key: string | null): Polled<T> {
  const question = key === null ? undefined : questions.get(key);
  return (question?.state as Polled<T> | undefined) ?? NOTHING;
}

function watch(
  key: string,
  load: (signal: AbortSignal) => Promise<unknown>,
  everyMs: number,
  watcher: (state: Polled<unknown>) => void,
): () => void {
  const question = questions.get(key) ?? {
    load,
    everyMs,
    dueAt: 0,
    busy: null,
    state: NOTHING,
    watchers: new Set(),
  };
  question.load = load;
  question.everyMs = everyMs;
  question.watchers.add(watcher);
  if (Date.now() - question.state.at > everyMs) question.dueAt = 0;
  questions.set(key, question);
  clock ??= setInterval(tick, TICK_MS);
  tick();
  return () => {
    question.watchers.delete(watcher);
    if (question.watchers.size === 0 && question.busy !== null) {
      question.busy.abort();
      // Nobody got the answer: who looks next asks at once.
      question.dueAt = 0;
    }
  };
}

function tick(): void {
  if (document.visibilityState !== "visible") return;
  const at = Date.now();
  const retryAt = health.get().retryAt;
  for (const [key, question] of questions) {
    if (question.watchers.size === 0) {
      if (at - question.state.at > KEPT_MS) questions.delete(key);
      continue;
    }
    const isFirst = question.state.at === 0 && question.state.error === undefined;
    const waits = paused.get() && !isFirst;
    if (question.busy !== null || waits || at < question.dueAt || (retryAt !== null && at < retryAt)) continue;
    void ask(question);
  }
}

async function ask(question: Question): Promise<void> {
  const busy = new AbortController();
  question.busy = busy;
  question.dueAt = Date.now() + question.everyMs;
  try {
    const data = await question.load(busy.signal);
    if (busy.signal.aborted) return;
    markAnswer(Date.now());
    tell(question, { data, at: Date.now(), error: undefined });
  } catch (error) {
    if (busy.signal.aborted) return;
    if (error instanceof Unreachable) {
      markSilence(Date.now(), error.message);
      question.dueAt = 0;
    } else if (error instanceof ApiError) {
      markAnswer(Date.now());
      tell(question, { ...question.state, error });
    } else {
      tell(question, { ...question.state, error: new ApiError(0, "unreadable", String(error)) });
    }
  } finally {
    if (question.busy === busy) question.busy = null;
  }
}

function tell(question: Question, state: Polled<unknown>): void {
  question.state = state;
  for (const watcher of [...question.watchers]) watcher(state);
}
