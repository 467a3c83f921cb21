import type { Binding } from "../../api/types";
import { Count, Figure } from "../../components/Figure";
import { bareRate } from "../../format/rate";
import { exchangeTitle } from "../../format/names";
import { places } from "../../route/places";
import type { Publisher } from "./facts";
import { publisherGroups } from "./publishers";

interface Props {
  bindings: readonly Binding[];
  publishers: readonly Publisher[];
  names: ReadonlyMap<string, string>;
  vhost: string;
  found: string;
}

/** The picture as a table: who publishes to which exchange, and each way from an exchange. */
export function NetTable({ bindings, publishers, names, vhost, found }: Props) {
  const low = found.toLowerCase();
  const sources = publisherGroups(publishers, (publisher) => names.get(publisher.connection) ?? publisher.user)
    .flatMap((group) => [...group.rates].map(([exchange, rate]) => ({ group, exchange, rate })))
    .filter(({ group, exchange }) => `${group.name} ${exchange}`.toLowerCase().includes(low));
  const shown = bindings.filter((binding) => binding.source !== "" && `${binding.source} ${binding.routing_key} ${binding.destination}`.toLowerCase().includes(low));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Bindings">
      {sources.length > 0 && (
        <table class="table">
          <thead>
            <tr><th scope="col">Publisher</th><th class="num" scope="col">Channels</th><th class="num" scope="col">Out<span class="u"> /s</span></th><th class="fluid" scope="col">To</th></tr>
          </thead>
          <tbody>
            {sources.map(({ group, exchange, rate }) => (
              <tr key={`${group.name} ${exchange}`}>
                <td><span class="name">{group.name}</span></td>
                <td class="num"><Count value={group.channels} /></td>
                <td class="num"><Figure parts={bareRate(rate)} /></td>
                <td class="fluid"><a class="name" href={places.exchange(vhost, exchange)}>{exchangeTitle(exchange)}</a> <span class="dim">exchange</span></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <table class="table">
        <thead>
          <tr><th scope="col">Exchange</th><th scope="col">Routing key</th><th class="fluid" scope="col">To</th></tr>
        </thead>
        <tbody>
          {shown.map((binding) => (
            <tr key={`${binding.source} ${binding.destination_type} ${binding.destination} ${binding.properties_key}`}>
              <td><a class="name" href={places.exchange(vhost, binding.source)}>{exchangeTitle(binding.source)}</a></td>
              <td class="mono">{binding.routing_key || <span class="dim">–</span>}</td>
              <td class="fluid"><a class="name" href={places.destination(vhost, binding.destination_type, binding.destination)}>{binding.destination}</a> <span class="dim">{binding.destination_type}</span></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
