import type { Node } from "../../api/types";
import { Count, Figure } from "../../components/Figure";
import { Panel } from "../../components/Panel";
import { StateMark } from "../../components/StateMark";
import { roughAge } from "../../format/age";
import { bytes } from "../../format/bytes";
import { places } from "../../route/places";
import { href } from "../../route/router";
import { hasNumbers, stateOf } from "../nodes/cluster";

/** The nodes in short. */
export function NodesPanel({ nodes }: { nodes: readonly Node[] }) {
  const running = nodes.filter((node) => node.running).length;
  return (
    <Panel title="Nodes" note={`${running} of ${nodes.length} running`} clip class="col" acts={<a class="btn ghost s" href={href(["nodes"])}>Cluster</a>}>
      <table class="table">
        <thead>
          <tr>
            <th class="fluid" scope="col">Node</th>
            <th scope="col">State</th>
            <th class="num" scope="col">Memory</th>
            <th class="num p2" scope="col">Files</th>
            <th class="num" scope="col">Up</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={node.name}>
              <td class="fluid"><a class="name" href={places.node(node.name)} title={node.name}>{node.name}</a></td>
              <td><StateMark state={stateOf(node)} /></td>
              <td class="num"><Figure parts={bytes(hasNumbers(node) ? node.mem_used : undefined)} /></td>
              <td class="num p2"><Count value={hasNumbers(node) ? node.fd_used : undefined} /></td>
              <td class="num"><Figure parts={roughAge(hasNumbers(node) ? node.uptime : undefined)} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
