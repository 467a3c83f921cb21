import { useAddress } from "../../route/router";
import { ExchangePage } from "./ExchangePage";
import { ExchangesPage } from "./ExchangesPage";

/** The list of exchanges; with two segments more, one exchange. */
export function ExchangesRoute() {
  const { segments } = useAddress();
  const [, vhost, name] = segments;
  if (vhost === undefined || name === undefined) return <ExchangesPage />;
  return <ExchangePage key={`${vhost} ${name}`} vhost={vhost} name={name === "amq.default" ? "" : name} />;
}
