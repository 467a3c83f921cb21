import { useAddress } from "../../route/router";
import { QueuesPage } from "./QueuesPage";

/** The list of queues; with two segments more, one queue. */
export function QueuesRoute() {
  const { segments } = useAddress();
  return segments.length >= 3 ? null : <QueuesPage />;
}
