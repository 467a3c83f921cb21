import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Props {
  title: string;
  /** It warns before something is lost. */
  isAlert?: boolean;
  foot: ComponentChildren;
  children: ComponentChildren;
  onClose: () => void;
  onSubmit?: () => void;
}

/** A dialog above the page. Escape closes it; the focus goes back to where it was. */
export function Dialog({ title, isAlert, foot, children, onClose, onSubmit }: Props) {
  const layer = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    layer.current?.showModal();
    return () => before?.focus();
  }, []);
  const submit = (event: Event): void => {
    event.preventDefault();
    onSubmit?.();
  };
  return (
    <dialog
      class="layer"
      ref={layer}
      role={isAlert ? "alertdialog" : undefined}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => event.target === layer.current && onClose()}
    >
      <form class="dialog" onSubmit={submit}>
        <header><h2>{title}</h2></header>
        <div class="in">{children}</div>
        <footer>{foot}</footer>
      </form>
    </dialog>
  );
}
