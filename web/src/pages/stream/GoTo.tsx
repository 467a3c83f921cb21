import { useState } from "preact/hooks";
import { Button } from "../../components/Button";
import { Icon } from "../../components/Icon";
import { Segmented } from "../../components/Segmented";

const CHOICES = [
  { id: "first", title: "First" },
  { id: "time", title: "Time" },
  { id: "offset", title: "Offset" },
  { id: "last", title: "Last" },
];

interface Props {
  /** From where on is looked: `first`, `last`, an offset, an age or a time. */
  from: string;
  onGo: (from: string) => void;
}

/** Travel in a stream: to its ends, to an offset, or to a time. */
export function GoTo({ from, onGo }: Props) {
  const [kind, setKind] = useState(kindOf(from));
  const [typed, setTyped] = useState(kind === "time" || kind === "offset" ? from : "");
  const needsText = kind === "time" || kind === "offset";
  const choose = (id: string): void => {
    setKind(id);
    setTyped("");
    if (id === "first" || id === "last") onGo(id);
  };
  return (
    <form class="row wrap" onSubmit={(event) => { event.preventDefault(); if (typed.trim() !== "") onGo(typed.trim()); }}>
      <b>Go to</b>
      <Segmented label="Go to" chosen={kind} choices={CHOICES} onChoose={choose} />
      {needsText && (
        <>
          <label class="input filter w200">
            <Icon name={kind === "time" ? "clock" : "search"} />
            <input
              aria-label={kind === "time" ? "Time or age" : "Offset"}
              placeholder={kind === "time" ? "10m, 2h, 2026-11-26T14:24" : "475992311"}
              inputMode={kind === "offset" ? "numeric" : "text"}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
          <Button submit disabled={typed.trim() === ""}>Go</Button>
        </>
      )}
    </form>
  );
}

export function kindOf(from: string): string {
  if (from === "first" || from === "last") return from;
  return /^-?\d+$/.test(from) ? "offset" : "time";
}
