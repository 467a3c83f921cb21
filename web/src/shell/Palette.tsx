import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../components/Icon";
import { useRights } from "../state/rights";
import { useStore } from "../state/store";
import { isPaletteOpen } from "./palette";
import { fixedItems, foundItems, type Item } from "./paletteItems";

const PAUSE_MS = 120;

/** Find or run anything: Ctrl K. */
export function Palette() {
  return useStore(isPaletteOpen) ? <OpenPalette /> : null;
}

function OpenPalette() {
  const layer = useRef<HTMLDialogElement>(null);
  const rights = useRights();
  const [text, setText] = useState("");
  const [found, setFound] = useState<Item[]>([]);
  const [at, setAt] = useState(0);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    layer.current?.showModal();
    return () => before?.focus();
  }, []);
  useEffect(() => {
    const asking = new AbortController();
    const timer = setTimeout(() => {
      foundItems(text, asking.signal).then(setFound, () => undefined);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  }, [text]);
  // What was found for fewer letters stays only as far as it fits what stands there now.
  const fits = (item: Item): boolean => item.title.toLowerCase().includes(text.trim().toLowerCase());
  const items = [...(text === "" ? [] : found.filter(fits)), ...fixedItems(text, rights)];
  const chosen = Math.min(at, items.length - 1);
  useEffect(() => layer.current?.querySelector(`#palette-${chosen}`)?.scrollIntoView({ block: "nearest" }), [chosen]);
  const close = (): void => isPaletteOpen.set(false);
  const run = (item: Item | undefined): void => {
    if (item === undefined) return;
    close();
    if (item.href !== undefined) location.hash = item.href;
    item.run?.();
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt((chosen + step + items.length) % items.length);
    }
    if (event.key === "Enter") {
      event.preventDefault();
      run(items[chosen]);
    }
  };
  return (
    <dialog
      class="layer top"
      ref={layer}
      aria-label="Command palette"
      onCancel={(event) => { event.preventDefault(); close(); }}
      onMouseDown={(event) => event.target === layer.current && close()}
    >
      <section class="palette">
        <div class="q">
          <Icon name="search" />
          <input
            aria-label="Find or run anything"
            role="combobox"
            aria-expanded="true"
            aria-controls="palette-list"
            aria-activedescendant={items[chosen] ? `palette-${chosen}` : undefined}
            placeholder="A queue, an exchange, a page, an act"
            value={text}
            onInput={(event) => { setText(event.currentTarget.value); setAt(0); }}
            onKeyDown={onKey}
          />
        </div>
        <div id="palette-list" role="listbox" aria-label="Found" class="palette-list" tabIndex={-1}>
          {items.map((item, index) => (
            <>
              {item.group !== items[index - 1]?.group && <h3 role="presentation">{item.group}</h3>}
              <div
                key={item.id}
                id={`palette-${index}`}
                role="option"
                aria-selected={index === chosen}
                class={index === chosen ? "line on" : "line"}
                onMouseMove={() => setAt(index)}
                onClick={() => run(item)}
              >
                <Icon name={item.icon} />
                <span class="cut">{marked(item.title, text)}</span>
                {item.note && <span class="dim">{item.note}</span>}
                {item.end && <span class="push dim">{item.isKey ? <kbd>{item.end}</kbd> : item.end}</span>}
              </div>
            </>
          ))}
          {items.length === 0 && <p class="menu-note">Nothing holds these letters.</p>}
        </div>
        <footer>
          <span><kbd>↑</kbd> <kbd>↓</kbd> choose</span>
          <span><kbd>Enter</kbd> open</span>
          <span><kbd>Esc</kbd> close</span>
        </footer>
      </section>
    </dialog>
  );
}

/** The letters that were looked for, marked in a title. */
function marked(title: string, text: string) {
  const at = text === "" ? -1 : title.toLowerCase().indexOf(text.toLowerCase());
  if (at < 0) return title;
  return (
    <>
      {title.slice(0, at)}
      <mark>{title.slice(at, at + text.length)}</mark>
      {title.slice(at + text.length)}
    </>
  );
}
