import { useAddress } from "../../route/router";
import { QueuePage } from "../queue/QueuePage";
import { QueuesPage } from "./QueuesPage";

/** The list of queues; with two segments more, one queue. */
export function QueuesRoute() {
  const { segments } = useAddress();
  const [, vhost, name] = segments;
  if (vhost === undefined || name === undefined) return <QueuesPage />;
  return <QueuePage key={`${vhost} ${name}`} vhost={vhost} name={name} />;
}
