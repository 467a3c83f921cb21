import { Empty } from "../../components/Empty";
import { Count } from "../../components/Figure";
import { Panel } from "../../components/Panel";
import { StateMark } from "../../components/StateMark";
import { wholeCount } from "../../format/count";
import { places } from "../../route/places";
import type { Reader } from "./readers";

/** Who reads a stream, and how far behind its end. */
export function ReadersPanel({ readers }: { readers: readonly Reader[] }) {
  return (
    <Panel title="Readers" note={readers.length === 0 ? "none" : wholeCount(readers.length)} clip>
      {readers.length === 0 ? (
        <Empty icon="consumer" title="Nobody reads">A reader takes nothing away: messages stay until the limits of the stream drop them.</Empty>
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th class="fluid" scope="col">Reader</th>
              <th class="p2" scope="col">Protocol</th>
              <th class="p2" scope="col">State</th>
              <th class="num" scope="col">Next offset</th>
              <th class="num" scope="col">Behind</th>
            </tr>
          </thead>
          <tbody>
            {readers.map((reader) => (
              <tr key={reader.id}>
                <td class="fluid"><a class="name" href={places.connection(reader.connection)} title={reader.connection}>{reader.name}</a></td>
                <td class="sub p2">{reader.protocol}</td>
                <td class="p2">{reader.state === undefined ? <span class="dim">–</span> : <StateMark state={wordOf(reader.state)} />}</td>
                <td class="num"><Count value={reader.offset} /></td>
                <td class={(reader.lag ?? 0) > 1000 ? "num hot" : "num"}><Count value={reader.lag} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

/** The broker's word for a reader; `blocked` there is only that its prefetch is used up. */
function wordOf(state: string): string {
  return state === "blocked" ? "no credit" : state.replace("_", " ");
}
