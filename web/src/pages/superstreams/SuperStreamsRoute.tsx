import { useAddress } from "../../route/router";
import { SuperStreamPage } from "./SuperStreamPage";
import { SuperStreamsPage } from "./SuperStreamsPage";

/** The list of super streams; with two segments more, one of them. */
export function SuperStreamsRoute() {
  const { segments } = useAddress();
  const [, vhost, name] = segments;
  if (vhost === undefined || name === undefined) return <SuperStreamsPage />;
  return <SuperStreamPage key={`${vhost} ${name}`} vhost={vhost} name={name} />;
}
