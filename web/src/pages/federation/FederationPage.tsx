import { Button } from "../../components/Button";
import { Bones } from "../../components/Bones";
import { Empty } from "../../components/Empty";
import { PageHead } from "../../components/PageHead";
import { href, setQuery, useAddress } from "../../route/router";
import { areKnown, useCapability } from "../../state/capabilities";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { chosenVhost } from "../../state/vhost";
import { LinkList } from "./LinkList";
import { UpstreamDialog } from "./UpstreamDialog";
import { UpstreamList } from "./UpstreamList";
import { UpstreamSetDialog } from "./UpstreamSetDialog";
import { UpstreamSetList } from "./UpstreamSetList";

const VIEWS = [
  { kind: "", title: "Links" },
  { kind: "upstreams", title: "Upstreams" },
  { kind: "sets", title: "Upstream sets" },
];

/** Federation: which brokers feed this one, what of them, and how the links are. */
export function FederationPage() {
  const { query } = useAddress();
  const isKnown = useStore(areKnown);
  const isThere = useCapability("GET federation-links");
  const vhost = useStore(chosenVhost);
  const rights = useRights();
  const kind = query.kind ?? "";
  if (!isKnown) return <><PageHead title="Federation" /><Bones /></>;
  if (!isThere) {
    return (
      <>
        <PageHead title="Federation" />
        <Empty icon="federation" title="This broker has no federation">It would take messages from exchanges and queues of other brokers, as far as somebody wants them here.</Empty>
      </>
    );
  }
  const add = (what: string): void => setQuery({ new: what });
  const close = (): void => setQuery({ new: undefined });
  const where = vhost === "" ? "/" : vhost;
  return (
    <>
      <PageHead
        title="Federation"
        acts={rights.setsPolicies && (kind === "sets"
          ? <Button look="primary" icon="plus" onPress={() => add("set")}>Add set</Button>
          : <Button look="primary" icon="plus" onPress={() => add("upstream")}>Add upstream</Button>)}
        tabs={VIEWS.filter((view) => view.kind === "" || rights.setsPolicies).map((view) => ({ title: view.title, href: href(["federation"], { kind: view.kind || undefined }), isCurrent: view.kind === kind }))}
      />
      {kind === "" && <LinkList vhost={vhost} />}
      {kind === "upstreams" && <UpstreamList vhost={vhost} />}
      {kind === "sets" && <UpstreamSetList vhost={vhost} />}
      {query.new === "upstream" && <UpstreamDialog saved={null} vhost={where} onClose={close} />}
      {query.new === "set" && <UpstreamSetDialog saved={null} vhost={where} onClose={close} />}
    </>
  );
}
