import { useAddress } from "../../route/router";
import { QueuePage } from "../queue/QueuePage";
import { StreamsPage } from "./StreamsPage";

/** The list of streams; with two segments more, one stream. */
export function StreamsRoute() {
  const { segments } = useAddress();
  const [, vhost, name] = segments;
  if (vhost === undefined || name === undefined) return <StreamsPage />;
  return <QueuePage key={`${vhost} ${name}`} vhost={vhost} name={name} />;
}
