import { useState } from "preact/hooks";
import { Icon } from "../../components/Icon";

interface Props {
  value: string;
  onChoose: (text: string) => void;
}

/** Which messages to look for: the broker searches when Enter is pressed. */
export function MessageFilterField({ value, onChoose }: Props) {
  const [typed, setTyped] = useState(value);
  return (
    <form class="grow" onSubmit={(event) => { event.preventDefault(); onChoose(typed.trim()); }}>
      <label class="input filter">
        <Icon name="filter" />
        <input
          aria-label="Look for messages"
          placeholder="text, key:, exchange:, header:name=value, /pattern/, $.total > 100"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onBlur={() => typed.trim() !== value && onChoose(typed.trim())}
        />
        <kbd class="hide-s">Enter</kbd>
      </label>
    </form>
  );
}
