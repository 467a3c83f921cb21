import type { ComponentChildren } from "preact";
import { IconButton } from "../components/IconButton";
import { wholeCount } from "../format/count";

interface Props {
  label: string;
  count: number;
  /** The sum of what is selected. */
  sum: ComponentChildren;
  children: ComponentChildren;
  onClear: () => void;
}

/** What can be done with all that is selected. */
export function BulkBar({ label, count, sum, children, onClear }: Props) {
  return (
    <div class="bulk" role="region" aria-label={label}>
      <b>{wholeCount(count)} selected</b>
      <span class="dim hide-s">{sum}</span>
      <span class="sep" />
      {children}
      <span class="sep hide-s" />
      <IconButton icon="x" label="Clear selection (Esc)" small onPress={onClear} />
    </div>
  );
}
