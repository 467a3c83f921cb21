import type { ComponentChildren } from "preact";

interface Props {
  title: ComponentChildren;
  note?: ComponentChildren;
  /** Buttons at the right of the head. */
  acts?: ComponentChildren;
  foot?: ComponentChildren;
  /** No line under the head. */
  bare?: boolean;
  /** Cut at its round corners, for a table inside. */
  clip?: boolean;
  id?: string;
  class?: string;
  children: ComponentChildren;
}

export function Panel({ title, note, acts, foot, bare, clip, id, class: extra, children }: Props) {
  return (
    <section class={["panel", clip && "clip", extra].filter(Boolean).join(" ")} id={id}>
      <header class={bare ? "bare" : undefined}>
        <h2>{title}</h2>
        {note !== undefined && <span class="n">{note}</span>}
        <span class="push" />
        {acts}
      </header>
      {children}
      {foot !== undefined && foot !== null && foot !== false && <footer>{foot}</footer>}
    </section>
  );
}
