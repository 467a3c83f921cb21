import { Store } from "./store";
import { ApiError } from "../api/http";

/** A line that says what was done, for a while, and may offer to take it back. */
export interface Toast {
  id: number;
  text: string;
  isBad: boolean;
  undo?: (() => void) | undefined;
}

const SHOWN_MS = 8_000;
const TOLD_MS = 4_000;

export const toasts = new Store<readonly Toast[]>([]);

let lastId = 0;

/** Say what was done, for 4 seconds; `undo` is offered for 8. */
export function say(text: string, undo?: () => void): void {
  show({ id: ++lastId, text, isBad: false, undo });
}

/** Say what did not work, in the words of the broker. */
export function sayFailed(act: string, error: unknown): void {
  const reason = error instanceof ApiError ? error.reason : error instanceof Error ? error.message : String(error);
  show({ id: ++lastId, text: `Could not ${act}: ${reason}`, isBad: true });
}

export function dismiss(id: number): void {
  toasts.update((shown) => shown.filter((toast) => toast.id !== id));
}

function show(toast: Toast): void {
  toasts.update((shown) => [...shown.slice(-2), toast]);
  const isToAct = toast.isBad || toast.undo !== undefined;
  setTimeout(() => dismiss(toast.id), isToAct ? SHOWN_MS : TOLD_MS);
}
