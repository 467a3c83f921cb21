import { useState } from "preact/hooks";
import type { Exchange } from "../../api/types";
import { Button } from "../../components/Button";
import { Field } from "../../components/Field";
import { Icon } from "../../components/Icon";
import { Select } from "../../components/Select";
import { exchangeTitle } from "../../format/names";
import { setQuery, useAddress } from "../../route/router";
import type { Route } from "./routing";

interface Props {
  exchanges: readonly Exchange[];
  route: Route | null;
}

/** "Where would it go?": exchange, key and headers; what gets it, and why not the others. */
export function RoutePanel({ exchanges, route }: Props) {
  const { query } = useAddress();
  const [header, setHeader] = useState("");
  const headers = query.headers ?? "";
  const add = (): void => {
    if (!header.includes("=")) return;
    setQuery({ headers: headers === "" ? header : `${headers}\n${header}` });
    setHeader("");
  };
  return (
    <section class="sidepanel" aria-label="Where would it go?">
      <header><h2>Where would it go?</h2></header>
      <div class="in">
        <div class="stack">
          <Select label="Exchange" value={query.exchange ?? ""} onChoose={(exchange) => setQuery({ exchange })} choices={[{ id: "", title: "Choose one" }, ...exchanges.filter((exchange) => exchange.name !== "").map((exchange) => ({ id: exchange.name, title: exchangeTitle(exchange.name) }))]} />
          <Field label="Routing key" isMono value={query.key ?? ""} onInput={(key) => setQuery({ key })} placeholder="order.created.eu" />
          {headers !== "" && (
            <dl class="kv tight">
              {headers.split("\n").map((line) => (<><dt class="mono">{line.split("=")[0]}</dt><dd class="mono">{line.split("=").slice(1).join("=")}</dd></>))}
            </dl>
          )}
          <div class="row">
            <Field label="Header" isMono value={header} onInput={setHeader} placeholder="x-tenant=kestrel" />
            <Button look="s" onPress={add}>Add</Button>
            {headers !== "" && <Button look="ghost s" onPress={() => setQuery({ headers: undefined })}>Clear</Button>}
          </div>
        </div>
        {route && (
          <>
            <div>
              <div class="row between">
                <h3>{route.arrivals.length === 1 ? "1 queue gets it" : `${route.arrivals.length} queues get it`}</h3>
                <span class="dim fs">in {route.hops} {route.hops === 1 ? "hop" : "hops"}, nothing is sent</span>
              </div>
              <ul class="route">
                {route.arrivals.map((arrival) => (
                  <li key={arrival.name}><Icon name="check" class="yes-ic" /><span><b>{arrival.name}</b><span class="why">{arrival.why}</span></span></li>
                ))}
                {route.arrivals.length === 0 && <li class="no"><Icon name="warn" class="warn" /><span>No queue: it is dropped, or returned if it is mandatory.</span></li>}
              </ul>
            </div>
            {route.misses.length > 0 && (
              <div>
                <h3>Why not the others</h3>
                <ul class="route">
                  {route.misses.map((miss) => (
                    <li key={miss.name + miss.why} class="no"><Icon name="x" class="no-ic" /><span>{miss.name}<span class="why">{miss.why}</span></span></li>
                  ))}
                </ul>
              </div>
            )}
          </>
        )}
      </div>
    </section>
  );
}
