import { markOf } from "./states";

/** The state of a thing: a shape and a word. */
export function StateMark({ state, title }: { state: string; title?: string | undefined }) {
  const mark = markOf(state);
  return (
    <span class={`st ${mark.look}`} title={title}>
      <svg class={mark.shape === "ring" ? "dot ring" : "dot"} viewBox="0 0 8 8" aria-hidden="true">
        {mark.shape === "disc" && <circle cx="4" cy="4" r="3.5" />}
        {mark.shape === "ring" && <circle cx="4" cy="4" r="3" />}
        {mark.shape === "triangle" && <path d="M4 .3 7.9 7.5H.1z" />}
        {mark.shape === "square" && <rect x=".5" y=".5" width="7" height="7" rx="1" />}
      </svg>
      {state}
    </span>
  );
}
