import { useState } from "preact/hooks";
import { deleteExchange } from "../../api/acts";
import type { Exchange } from "../../api/types";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Icon } from "../../components/Icon";
import { PageHead } from "../../components/PageHead";
import { wholeCount } from "../../format/count";
import { BulkBar } from "../../list/BulkBar";
import { ListView } from "../../list/ListView";
import { places } from "../../route/places";
import { askAgain } from "../../state/polling";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { say } from "../../state/toasts";
import { chosenVhost } from "../../state/vhost";
import { DeclareExchangeDialog } from "./DeclareExchangeDialog";
import { EXCHANGE_COLUMNS, keyOfExchange } from "./exchangeColumns";

/** All exchanges. */
export function ExchangesPage() {
  const rights = useRights();
  const vhost = useStore(chosenVhost);
  const [isDeclare, setDeclare] = useState(false);
  const [doomed, setDoomed] = useState<{ exchanges: readonly Exchange[]; clear: () => void } | null>(null);
  const count = doomed?.exchanges.length ?? 0;
  return (
    <>
      <PageHead title="Exchanges" acts={!rights.isReadOnly && <Button look="primary" icon="plus" onPress={() => setDeclare(true)}>Declare exchange</Button>} />
      <ListView<Exchange>
        id="exchanges"
        what="exchanges"
        icon="exchange"
        route={vhost === "" ? ["exchanges"] : ["exchanges", vhost]}
        columns={EXCHANGE_COLUMNS}
        sort={[{ id: "in", isDown: true }]}
        nameOf={(exchange) => exchange.name}
        keyOf={keyOfExchange}
        placeholder="Name, or  type:topic  in:>0"
        onOpen={(exchange) => { location.hash = places.exchange(exchange.vhost, exchange.name); }}
        empty={{ title: "There is no exchange", text: "Each virtual host has its own; yours may see none of them." }}
        {...(rights.isReadOnly ? {} : {
          bulk: (exchanges: readonly Exchange[], clear: () => void) => (
            <BulkBar label="Selected exchanges" count={exchanges.length} sum="" onClear={clear}>
              <button class="btn bad" type="button" onClick={() => setDoomed({ exchanges, clear })}><Icon name="trash" />Delete…</button>
            </BulkBar>
          ),
        })}
      />
      {isDeclare && <DeclareExchangeDialog vhost={vhost === "" ? "/" : vhost} onClose={() => setDeclare(false)} />}
      {doomed && (
        <ConfirmDialog
          title={`Delete ${wholeCount(count)} exchanges`}
          losses={[{ amount: wholeCount(count), what: "exchanges, with all bindings to and from them" }]}
          typed={`delete ${wholeCount(count)} exchanges`}
          act={`Delete ${wholeCount(count)} exchanges`}
          keep="Keep exchanges"
          onClose={() => setDoomed(null)}
          onConfirm={async () => {
            for (const exchange of doomed.exchanges) await deleteExchange(exchange.vhost, exchange.name);
            askAgain();
            say(`Deleted ${wholeCount(count)} exchanges`);
            doomed.clear();
          }}
        />
      )}
    </>
  );
}
