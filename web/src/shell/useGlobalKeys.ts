import { go } from "../route/router";
import { copyText } from "../state/clipboard";
import { useKeys, type KeyMap } from "../state/keys";
import { chooseRange, paused, RANGES } from "../state/range";
import { nextTheme } from "../state/theme";
import { NAVIGATION } from "./navigation";
import { isPaletteOpen } from "./palette";

/** Keys that act on every page. */
export function useGlobalKeys(onHelp: () => void): void {
  const keys: KeyMap = {
    "Ctrl+k": () => isPaletteOpen.update((isOpen) => !isOpen),
    "?": onHelp,
    t: nextTheme,
    Space: () => paused.update((stands) => !stands),
    c: () => void copyText(location.href, "the link of this page"),
    "[": () => stepTab(-1),
    "]": () => stepTab(1),
  };
  RANGES.forEach((range, index) => {
    keys[String(index + 1)] = () => chooseRange(range.id);
  });
  for (const entry of NAVIGATION.flatMap((group) => group.entries)) {
    if (entry.key !== undefined) keys[`g ${entry.key}`] = () => go(entry.segments);
  }
  useKeys(keys);
}

function stepTab(step: number): void {
  const tabs = [...document.querySelectorAll<HTMLAnchorElement>(".tabs a")];
  const at = tabs.findIndex((tab) => tab.getAttribute("aria-current") === "page");
  tabs[(at + step + tabs.length) % tabs.length]?.click();
}
