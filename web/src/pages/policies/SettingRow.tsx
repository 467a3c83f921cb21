import { IconButton } from "../../components/IconButton";
import { Segmented } from "../../components/Segmented";
import { age } from "../../format/age";
import { bytes } from "../../format/bytes";
import { textOf } from "../../format/parts";
import { keyOfDefinition, readValue, type DefinitionKey } from "./definitionKeys";

interface Props {
  name: string;
  value: unknown;
  onChange: (value: unknown) => void;
  onRemove: () => void;
}

/** One setting of a policy, in words, with its value to change. */
export function SettingRow({ name, value, onChange, onRemove }: Props) {
  const key = keyOfDefinition(name);
  return (
    <div>
      <span>{key.title} <span class="dim fs">{name}</span></span>
      {key.choices ? (
        <Segmented label={key.title} choices={key.choices} chosen={String(value)} onChoose={onChange} />
      ) : (
        <span class="input">
          <input
            aria-label={key.title}
            required
            value={typeof value === "object" ? JSON.stringify(value) : String(value)}
            onInput={(event) => onChange(readValue(name, event.currentTarget.value))}
          />
          <span class="suffix">{suffixOf(key, value)}</span>
        </span>
      )}
      <IconButton icon="x" small label={`Remove ${key.title}`} onPress={onRemove} />
    </div>
  );
}

/** The unit, and what the number is in larger ones. */
function suffixOf(key: DefinitionKey, value: unknown): string {
  if (typeof value !== "number") return key.unit ?? "";
  if (key.kind === "span" && value >= 1000) return `ms, ${textOf(age(value))}`;
  if (key.kind === "bytes" && value >= 1024) return `bytes, ${textOf(bytes(value))}`;
  return key.unit ?? "";
}
