import { Count, Figure } from "../../components/Figure";
import { StateMark } from "../../components/StateMark";
import { bytes } from "../../format/bytes";
import { bareRate } from "../../format/rate";
import { places } from "../../route/places";
import { BEHIND_MANY, groupTitle, positionIn, positionText, type Partition, type Position, type SuperStream } from "./superStream";

interface Props {
  stream: SuperStream;
  /** Groups that have a column. */
  groups: readonly string[];
}

/** Partitions as rows; for each group of readers a column of how far it is behind. */
export function PartitionMatrix({ stream, groups }: Props) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Partitions">
      <table class="table matrix">
        <thead>
          <tr>
            <th scope="col">Partition</th>
            <th scope="col">Key</th>
            <th class="p2" scope="col">State</th>
            <th class="p3" scope="col">Leader</th>
            <th class="num" scope="col">Messages</th>
            <th class="num p3" scope="col">Segments</th>
            <th class="num p2" scope="col">Size</th>
            <th class="num p2" scope="col">Written<span class="u"> /s</span></th>
            <th class="num p2" scope="col">Read<span class="u"> /s</span></th>
            <th class="num p2" scope="col">Readers</th>
            {groups.map((group) => <th key={group} class="num group-head" scope="col" title={`How far ${groupTitle(group)} is behind`}><span class="cut">{groupTitle(group)}</span><span class="u"> behind</span></th>)}
            <th class="fluid" />
          </tr>
        </thead>
        <tbody>
          {stream.partitions.map((partition) => (
            <tr key={partition.name}>
              <th class="row-head" scope="row"><a class="name" href={places.stream(stream.vhost, partition.name)} title={partition.name}>{partition.name}</a></th>
              <td class="mono sub" title={partition.routing_keys.join(", ")}><span class="cut key-cell">{keysOf(partition)}</span></td>
              <td class="p2"><StateMark state={partition.state} /></td>
              <td class="sub p3">{partition.leader}</td>
              <td class="num"><Count value={partition.messages} /></td>
              <td class="num p3"><Count value={partition.segments_count} /></td>
              <td class="num p2"><Figure parts={bytes(partition.size_bytes)} /></td>
              <td class="num p2"><Figure parts={bareRate(partition.rate_in)} /></td>
              <td class="num p2"><Figure parts={bareRate(partition.rate_out)} /></td>
              <td class="num p2"><Count value={partition.consumers} /></td>
              {groups.map((group) => <Cell key={group} position={positionIn(partition, group)} />)}
              <td class="fluid" />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A ring where nobody reads for the group, a disc where somebody does: the number alone would not say. */
function Cell({ position }: { position: Position | undefined }) {
  if (position === undefined) return <td class="num"><span class="dim" title="the group was never here">–</span></td>;
  return (
    <td class={position.lag > BEHIND_MANY ? "num hot" : "num"} title={positionText(position)}>
      <span class={position.connection === null ? "st idle" : "st running"}>
        <Count value={position.lag} />
        <svg class={position.connection === null ? "dot ring" : "dot"} viewBox="0 0 8 8" aria-hidden="true"><circle cx="4" cy="4" r={position.connection === null ? 3 : 3.5} /></svg>
        <span class="vh">{positionText(position)}</span>
      </span>
    </td>
  );
}

function keysOf(partition: Partition): string {
  const more = partition.bindings_count - partition.routing_keys.length;
  return `${partition.routing_keys.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
