import { keptStore } from "./kept";

/** What the reader chose; `system` follows the system. */
export type Theme = "system" | "light" | "dark";

const ORDER: readonly Theme[] = ["system", "light", "dark"];

function isTheme(value: unknown): value is Theme {
  return ORDER.includes(value as Theme);
}

export const theme = keptStore<Theme>("theme", "system", isTheme);

/** Put the theme on the document, now and at each change. */
export function followTheme(): void {
  apply(theme.get());
  theme.subscribe(apply);
}

/** From system to light to dark, and to system again. */
export function nextTheme(): void {
  theme.update((chosen) => ORDER[(ORDER.indexOf(chosen) + 1) % ORDER.length] ?? "system");
}

function apply(chosen: Theme): void {
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
