import { TextArea } from "../components/TextArea";
import type { Table } from "../api/types";
import { parseArguments } from "./arguments";

interface Props {
  label?: string;
  value: string;
  /** Names to offer. */
  words: readonly string[];
  onInput: (value: string) => void;
}

/** Arguments, one in a line: `x-message-ttl = 60000`. */
export function ArgumentsField({ label = "Arguments", value, words, onInput }: Props) {
  const add = (word: string): void => onInput(`${value}${value === "" || value.endsWith("\n") ? "" : "\n"}${word} = `);
  return (
    <>
      <TextArea label={label} hint="one in a line: name = value, the value as JSON or as text" rows={3} placeholder={`${words[0] ?? "name"} = value`} value={value} onInput={onInput} />
      <div class="row wrap">
        {words.map((word) => <button key={word} class="badge line add-word" type="button" onClick={() => add(word)}>{word}</button>)}
      </div>
    </>
  );
}

/** The arguments of a field. @throws Error A line that cannot be read. */
export function readArguments(text: string): Table {
  return parseArguments(text);
}
