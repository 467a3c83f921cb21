import { Button } from "../../components/Button";
import { wholeCount } from "../../format/count";
import { shareOf } from "../../format/share";
import type { Looked } from "./useLook";

/** How far the look came, and the way on. */
export function ScanLine({ looked, isFiltered }: { looked: Looked; isFiltered: boolean }) {
  const { scanned, total, items, next, isBusy, isNew, unsure } = looked;
  const share = Math.min(1, shareOf(scanned, total));
  return (
    <div class="scan" role="status">
      <svg class="progress hide-s" aria-hidden="true"><rect class="done" width={`${Math.round(share * 1000) / 10}%`} height="100%" /></svg>
      {isNew ? (
        <span>{isBusy ? "Looking…" : ""}</span>
      ) : (
        <span>
          {isFiltered ? "Scanned" : "Loaded"} <b>{wholeCount(isFiltered ? scanned : items.length)}</b> of {wholeCount(total)}
          {isFiltered && <> · <b>{wholeCount(items.length)}</b> {items.length === 1 ? "fits" : "fit"}</>}
          {unsure > 0 && <span class="warn" title="their bodies are no JSON, or too long, or take too many steps"> · {wholeCount(unsure)} cannot be told</span>}
        </span>
      )}
      {next !== null && <Button look="ghost s" disabled={isBusy} onPress={looked.onward}>{isFiltered ? "Scan on" : "Load more"}</Button>}
      {next === null && !isNew && items.length > 0 && <span class="dim">that is all</span>}
    </div>
  );
}
