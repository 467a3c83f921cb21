import { Button } from "../components/Button";
import { Dialog } from "../components/Dialog";

const KEYS: readonly [string, string][] = [
  ["Ctrl K", "find or run anything"],
  ["/", "filter the list"],
  ["g o, q, s, x, d, c, n, t", "overview, queues, streams, exchanges, dead letters, connections, nodes, topology"],
  ["j k", "next and previous row"],
  ["x", "select the row"],
  ["Enter", "open the row"],
  ["Esc", "close, clear"],
  ["[ ]", "previous and next tab"],
  ["c", "copy the link of this page"],
  ["1 … 5", "the range of the charts"],
  ["Space", "pause and go on"],
  ["t", "theme"],
  ["?", "this list"],
];

/** All keys. */
export function KeyHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose} foot={<Button onPress={onClose} autoFocus>Close</Button>}>
      <dl class="kv">
        {KEYS.map(([keys, what]) => (
          <>
            <dt><kbd>{keys}</kbd></dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
    </Dialog>
  );
}
