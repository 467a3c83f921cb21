import { useEffect, useRef } from "preact/hooks";

export type KeyMap = Record<string, (event: KeyboardEvent) => void>;

const CHORD_MS = 1_200;
/** What has the focus comes first: these press a button, or follow a link. */
const PRESSES: ReadonlySet<string> = new Set(["Enter", "Space"]);
const maps: { current: KeyMap }[] = [];
let chord = "";
let chordAt = 0;

/** Keys that act while a component is shown: `j`, `Ctrl+k`, `g q` (one after the other). */
export function useKeys(map: KeyMap): void {
  const held = useRef(map);
  held.current = map;
  useEffect(() => {
    maps.push(held);
    return () => {
      maps.splice(maps.indexOf(held), 1);
    };
  }, []);
}

/** Listen to the keyboard, once. */
export function startKeys(): void {
  addEventListener("keydown", (event) => {
    const name = nameOf(event);
    const isChord = chord !== "" && event.timeStamp - chordAt < CHORD_MS;
    const full = isChord ? `${chord} ${name}` : name;
    chord = "";
    if (isWriting(event.target) && !name.startsWith("Ctrl+") && name !== "Escape") return;
    if (PRESSES.has(name) && isPressed(event.target)) return;
    if (document.querySelector("dialog[open]") !== null && name !== "Ctrl+k") return;
    const act = [...maps].reverse().find((map) => full in map.current)?.current[full];
    if (act !== undefined) {
      event.preventDefault();
      act(event);
    } else if (maps.some((map) => Object.keys(map.current).some((key) => key.startsWith(`${name} `)))) {
      chord = name;
      chordAt = event.timeStamp;
    }
  });
}

function nameOf(event: KeyboardEvent): string {
  const key = event.key === " " ? "Space" : event.key;
  return event.ctrlKey || event.metaKey ? `Ctrl+${key.toLowerCase()}` : key;
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName)) &&
    !(target instanceof HTMLInputElement && target.type === "checkbox")
  );
}

function isPressed(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("a[href], button, summary") !== null;
}
