import { Store } from "./store";

/** The reader's clock in milliseconds, ticking each second while the tab is seen. */
export const now = new Store(Date.now());

/** Called at each tick. */
export function startClock(): void {
  setInterval(() => {
    if (document.visibilityState === "visible") now.set(Date.now());
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") now.set(Date.now());
  });
}
