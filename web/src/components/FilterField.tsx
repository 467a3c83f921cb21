import { useEffect, useRef, useState } from "preact/hooks";
import { formatFilter, parseFilter, wordText, type Filter } from "../route/filter";
import { useKeys } from "../state/keys";
import { Icon } from "./Icon";

interface Props {
  label: string;
  placeholder: string;
  /** Words that may be typed: `ready`, `state`. */
  fields: readonly string[];
  filter: Filter;
  onChange: (text: string) => void;
}

const PAUSE_MS = 200;

/** One field for all: words of the name, and typed words that become chips at a space. */
export function FilterField({ label, placeholder, fields, filter, onChange }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(filter.text);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    if (document.activeElement !== input.current) setText(filter.text);
  }, [filter.text]);
  useKeys({ "/": () => input.current?.focus() });
  const tell = (next: Filter): void => {
    clearTimeout(timer.current);
    onChange(formatFilter(next));
  };
  const take = (written: string): void => {
    const read = parseFilter(written, fields);
    setText(read.text);
    tell({ text: read.text, typed: [...filter.typed, ...read.typed] });
  };
  const onInput = (written: string): void => {
    if (/\s$/.test(written) && parseFilter(written, fields).typed.length > 0) {
      take(written);
      return;
    }
    setText(written);
    clearTimeout(timer.current);
    const read = parseFilter(written, fields);
    if (read.typed.length === 0) timer.current = setTimeout(() => tell({ ...filter, text: written.trim() }), PAUSE_MS);
  };
  const without = (index: number): Filter => ({ ...filter, typed: filter.typed.filter((_, place) => place !== index) });
  return (
    <div class="input filter">
      <Icon name="filter" />
      {filter.typed.map((word, index) => (
        <button key={wordText(word)} class="chip" type="button" title="Remove" onClick={() => tell(without(index))}>
          <span class="k">{word.field}</span>
          {word.op === "=" ? "" : word.op} {word.value}
          <Icon name="x" />
        </button>
      ))}
      <input
        ref={input}
        aria-label={label}
        placeholder={filter.typed.length > 0 ? "" : placeholder}
        value={text}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") take(text);
          if (event.key === "Escape") {
            setText("");
            tell({ text: "", typed: [] });
            input.current?.blur();
          }
          if (event.key === "Backspace" && text === "" && filter.typed.length > 0) tell(without(filter.typed.length - 1));
        }}
      />
      <kbd>/</kbd>
    </div>
  );
}
