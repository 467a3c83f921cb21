import type { ComponentChildren } from "preact";

interface Props {
  label: string;
  choices: readonly { id: string; title: ComponentChildren }[];
  chosen: string;
  onChoose: (id: string) => void;
}

/** A small choice, all of it in sight. */
export function Segmented({ label, choices, chosen, onChoose }: Props) {
  return (
    <div class="seg" role="group" aria-label={label}>
      {choices.map((choice) => (
        <button key={choice.id} type="button" aria-pressed={choice.id === chosen} onClick={() => onChoose(choice.id)}>
          {choice.title}
        </button>
      ))}
    </div>
  );
}
