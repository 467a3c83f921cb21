import { rateOf } from "../../api/counters";
import type { Exchange } from "../../api/types";
import { Figure } from "../../components/Figure";
import { exchangeTitle } from "../../format/names";
import { bareRate } from "../../format/rate";
import type { Column } from "../../list/column";
import { places } from "../../route/places";

export const keyOfExchange = (exchange: Exchange): string => `${exchange.vhost} ${exchange.name}`;

const rateIn = (exchange: Exchange): number => rateOf(exchange.message_stats, "publish_in") ?? 0;
const rateOut = (exchange: Exchange): number => rateOf(exchange.message_stats, "publish_out") ?? 0;

/** What is special about an exchange, as marks. */
function Marks({ exchange }: { exchange: Exchange }) {
  const alternate = exchange.arguments["alternate-exchange"];
  return (
    <span class="feat hide-s">
      {!exchange.durable && <abbr title="Transient: gone when the broker restarts">TR</abbr>}
      {exchange.auto_delete && <abbr title="Deleted when its last binding goes">AD</abbr>}
      {exchange.internal && <abbr title="Internal: clients cannot publish to it">INT</abbr>}
      {alternate !== undefined && <abbr title={`What it cannot route goes to ${String(alternate)}`}>AE</abbr>}
    </span>
  );
}

export const EXCHANGE_COLUMNS: readonly Column<Exchange>[] = [
  {
    id: "name", title: "Name", label: "Name", isFluid: true, serverKey: "name", value: (exchange) => exchange.name,
    cell: (exchange) => (
      <>
        <a class="name" href={places.exchange(exchange.vhost, exchange.name)} title={exchange.name}>{exchangeTitle(exchange.name)}</a>
        <Marks exchange={exchange} />
        <span class="meta"><span>{exchange.type}</span><span>{exchange.vhost}</span></span>
      </>
    ),
  },
  { id: "vhost", title: "Virtual host", label: "Virtual host", width: "p2", class: "sub", serverKey: "vhost", word: "vhost", value: (exchange) => exchange.vhost, cell: (exchange) => exchange.vhost },
  { id: "type", title: "Type", label: "Type", width: "p2", class: "sub", serverKey: "type", word: "type", value: (exchange) => exchange.type, cell: (exchange) => exchange.type },
  { id: "in", title: <>In<span class="u"> /s</span></>, label: "In a second", isNumber: true, serverKey: "message_stats.publish_in_details.rate", word: "in", value: rateIn, cell: (exchange) => <Figure parts={bareRate(rateIn(exchange))} /> },
  { id: "out", title: <>Out<span class="u"> /s</span></>, label: "Out a second", isNumber: true, serverKey: "message_stats.publish_out_details.rate", word: "out", value: rateOut, cell: (exchange) => <Figure parts={bareRate(rateOut(exchange))} /> },
  { id: "policy", title: "Policy", label: "Policy", width: "p3", class: "sub", serverKey: "policy", word: "policy", value: (exchange) => exchange.policy ?? undefined, cell: (exchange) => (exchange.policy ? <a href={places.policy(exchange.vhost, exchange.policy)}>{exchange.policy}</a> : <span class="dim" title="no policy matches">–</span>) },
  { id: "by", title: "Declared by", label: "Declared by", width: "p3", class: "sub", isExtra: true, word: "by", value: (exchange) => exchange.user_who_performed_action, cell: (exchange) => exchange.user_who_performed_action },
];
