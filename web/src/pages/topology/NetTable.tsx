import type { Binding } from "../../api/types";
import { exchangeTitle } from "../../format/names";
import { places } from "../../route/places";

interface Props {
  bindings: readonly Binding[];
  vhost: string;
  found: string;
}

/** The picture as a table: each way from an exchange. */
export function NetTable({ bindings, vhost, found }: Props) {
  const low = found.toLowerCase();
  const shown = bindings.filter((binding) => binding.source !== "" && `${binding.source} ${binding.routing_key} ${binding.destination}`.toLowerCase().includes(low));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Bindings">
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
