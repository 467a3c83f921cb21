import { useState } from "preact/hooks";
import { bind, unbind } from "../../api/acts";
import type { ApiError } from "../../api/http";
import type { Binding } from "../../api/types";
import { Bones } from "../../components/Bones";
import { Button } from "../../components/Button";
import { Empty } from "../../components/Empty";
import { Failed } from "../../components/Failed";
import { IconButton } from "../../components/IconButton";
import { Panel } from "../../components/Panel";
import { exchangeTitle } from "../../format/names";
import { places } from "../../route/places";
import { askAgain } from "../../state/polling";
import { useRights } from "../../state/rights";
import { say, sayFailed } from "../../state/toasts";
import { BindDialog } from "./BindDialog";

interface Props {
  bindings: readonly Binding[] | undefined;
  error: ApiError | undefined;
  vhost: string;
  /** Which end the rows tell: the other one is `of`. */
  side: "source" | "destination";
  of: { name: string; kind: "queue" | "exchange" };
  title?: string;
}

/** Bindings to or from one thing; one can be added, and taken away with a way back. */
export function BindingsPanel({ bindings, error, vhost, side, of, title }: Props) {
  const rights = useRights();
  const [isOpen, setOpen] = useState(false);
  const remove = async (binding: Binding): Promise<void> => {
    const place = { vhost: binding.vhost, source: binding.source, destination: binding.destination, kind: binding.destination_type };
    try {
      await unbind(place, binding.properties_key);
      askAgain();
      say(`Unbound ${binding.destination} from ${binding.source}`, () => {
        void bind(place, binding.routing_key, binding.arguments).then(() => askAgain(), (fault: unknown) => sayFailed("bind it again", fault));
      });
    } catch (fault) {
      sayFailed("unbind", fault);
    }
  };
  return (
    <Panel
      title={title ?? "Bindings"}
      note={bindings && String(bindings.length)}
      clip
      acts={!rights.isReadOnly && <Button look="ghost s" icon="plus" onPress={() => setOpen(true)}>Bind…</Button>}
    >
      {bindings === undefined ? (
        error ? <Failed what="The list of bindings" error={error} /> : <Bones rows={3} />
      ) : bindings.length === 0 ? (
        <Empty icon="exchange" title="Nothing is bound here">{side === "source" ? "No exchange routes to it." : "What is published here goes nowhere."}</Empty>
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th class="fluid" scope="col">{side === "source" ? "From exchange" : "To"}</th>
              <th scope="col">Routing key</th>
              <th class="p2" scope="col">Arguments</th>
              <th scope="col"><span class="vh">Unbind</span></th>
            </tr>
          </thead>
          <tbody>
            {bindings.map((binding) => (
              <tr key={`${binding.source} ${binding.destination_type} ${binding.destination} ${binding.properties_key}`}>
                <td class="fluid"><End binding={binding} side={side} /></td>
                <td class="mono" title={binding.routing_key}>{binding.routing_key || <span class="dim">–</span>}</td>
                <td class="mono sub p2">{Object.keys(binding.arguments).length === 0 ? <span class="dim">–</span> : JSON.stringify(binding.arguments)}</td>
                <td class="num">
                  {binding.source !== "" && !rights.isReadOnly && (
                    <IconButton icon="x" small label={`Unbind ${binding.destination} from ${exchangeTitle(binding.source)}`} onPress={() => void remove(binding)} />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {isOpen && <BindDialog vhost={vhost} side={side} of={of} onClose={() => setOpen(false)} />}
    </Panel>
  );
}

function End({ binding, side }: { binding: Binding; side: "source" | "destination" }) {
  if (side === "source") {
    return (
      <>
        <a class="name" href={places.exchange(binding.vhost, binding.source)}>{exchangeTitle(binding.source)}</a>
        {binding.source === "" && <span class="dim"> every queue is bound to it by its name</span>}
      </>
    );
  }
  return (
    <>
      <a class="name" href={places.destination(binding.vhost, binding.destination_type, binding.destination)}>{binding.destination}</a>{" "}
      <span class="dim">{binding.destination_type}</span>
    </>
  );
}
