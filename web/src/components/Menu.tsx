import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface Props {
  /** The button that opens it; it gets what it needs to say so. */
  button: (attributes: { "aria-haspopup": "menu"; "aria-expanded": boolean; onClick: () => void }) => ComponentChildren;
  label: string;
  /** At the right edge of the button. */
  atEnd?: boolean;
  children: (close: () => void) => ComponentChildren;
}

/** A menu under its button. Escape, and a press elsewhere, close it. */
export function Menu({ button, label, atEnd, children }: Props) {
  const [isOpen, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const close = (): void => {
    setOpen(false);
    frame.current?.querySelector<HTMLElement>("[aria-haspopup]")?.focus();
  };
  useEffect(() => {
    if (!isOpen) return undefined;
    frame.current?.querySelector<HTMLElement>(".menu a, .menu button, .menu input")?.focus();
    const onDown = (event: MouseEvent): void => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("mousedown", onDown);
    return () => removeEventListener("mousedown", onDown);
  }, [isOpen]);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      moveFocus(frame.current, event.key === "ArrowDown" ? 1 : -1);
    }
  };
  return (
    <div class="menu-frame" ref={frame} onKeyDown={isOpen ? onKey : undefined}>
      {button({ "aria-haspopup": "menu", "aria-expanded": isOpen, onClick: () => setOpen(!isOpen) })}
      {isOpen && (
        <div class={atEnd ? "menu at-end" : "menu"} role="group" aria-label={label}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

function moveFocus(frame: HTMLElement | null, step: number): void {
  const items = [...(frame?.querySelectorAll<HTMLElement>(".menu a, .menu button, .menu input") ?? [])];
  const at = items.indexOf(document.activeElement as HTMLElement);
  items[(at + step + items.length) % items.length]?.focus();
}
