import { request } from "../../api/http";
import { Empty } from "../../components/Empty";
import { Figure } from "../../components/Figure";
import { Meter } from "../../components/Meter";
import { Panel } from "../../components/Panel";
import { bytes } from "../../format/bytes";
import { textOf } from "../../format/parts";
import { shareOf } from "../../format/share";
import { usePolled } from "../../state/polling";

const ROWS = 10;

interface Memory {
  memory: Record<string, unknown> | "not_available";
}

/** What the memory of a node is used for, the largest first. */
export function MemoryPanel({ node }: { node: string }) {
  const told = usePolled(`nodes/${encodeURIComponent(node)}/memory`, (signal) => request<Memory>("GET", ["nodes", node, "memory"], { signal }), 15_000);
  const memory = told.data?.memory;
  const parts = typeof memory === "object" ? partsOf(memory) : [];
  const sum = parts.reduce((total, part) => total + part.size, 0);
  return (
    <Panel title="Memory" note={sum > 0 ? `${textOf(bytes(sum))} on ${node}` : node} clip>
      {parts.length === 0 ? (
        <Empty icon="metrics" title="The node tells no parts of its memory" />
      ) : (
        <table class="table">
          <tbody>
            {parts.slice(0, ROWS).map((part) => (
              <tr key={part.name}>
                <td class="fluid">{part.name.replaceAll("_", " ")}</td>
                <td class="num"><Figure parts={bytes(part.size)} /></td>
                <td><Meter share={shareOf(part.size, sum)} size="mini" /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function partsOf(memory: Record<string, unknown>): { name: string; size: number }[] {
  return Object.entries(memory)
    .filter((entry): entry is [string, number] => typeof entry[1] === "number" && entry[1] > 0)
    .map(([name, size]) => ({ name, size }))
    .sort((one, other) => other.size - one.size);
}
