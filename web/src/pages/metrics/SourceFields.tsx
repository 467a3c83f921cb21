import { useState } from "preact/hooks";
import { Icon } from "../../components/Icon";
import { setQuery, useAddress } from "../../route/router";
import { SOURCES, type Source } from "./sources";

/** What is asked for; where it is each queue, which of them. */
export function SourceFields({ source }: { source: Source }) {
  const { query } = useAddress();
  const [pattern, setPattern] = useState(query.queues ?? "");
  return (
    <>
      <span class="input choice w260">
        <select aria-label="What is asked for" value={source.id} onChange={(event) => setQuery({ of: event.currentTarget.value, metric: undefined, series: undefined })}>
          {SOURCES.map((one) => <option key={one.id} value={one.id}>{one.title}</option>)}
        </select>
        <Icon name="down" small />
      </span>
      {source.hasQueues && (
        <label class="input mono w200">
          <input
            aria-label="Queues whose names fit a pattern"
            placeholder="^orders"
            value={pattern}
            onInput={(event) => setPattern(event.currentTarget.value)}
            onChange={() => setQuery({ queues: pattern })}
          />
        </label>
      )}
    </>
  );
}
