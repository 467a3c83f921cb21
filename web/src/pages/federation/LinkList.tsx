import { request } from "../../api/http";
import { Button } from "../../components/Button";
import { Count } from "../../components/Figure";
import { IconButton } from "../../components/IconButton";
import { StateMark } from "../../components/StateMark";
import { cutMiddle } from "../../format/names";
import { withoutPassword } from "../../format/uris";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { places } from "../../route/places";
import { href, setQuery } from "../../route/router";
import { askAgain } from "../../state/polling";
import { useRights } from "../../state/rights";
import { say, sayFailed } from "../../state/toasts";
import { type Link } from "./upstream";

const nameOf = (link: Link): string => link.exchange ?? link.queue ?? "";
const thereOf = (link: Link): string => link.upstream_exchange ?? link.upstream_queue ?? nameOf(link);

/** Links that run, or try to: one for each exchange or queue and each of its upstreams. */
export function LinkList({ vhost }: { vhost: string }) {
  const rights = useRights();
  const restart = async (link: Link): Promise<void> => {
    try {
      await request("DELETE", ["federation-links", "vhost", link.vhost, link.id, link.node, "restart"]);
      askAgain();
      say(`Restarted the link from ${link.upstream} to ${nameOf(link)}`);
    } catch (error) {
      sayFailed(`restart the link to ${nameOf(link)}`, error);
    }
  };
  const columns: readonly Column<Link>[] = [
    {
      id: "name", title: "Exchange or queue", label: "Exchange or queue", isFluid: true, value: nameOf,
      cell: (link) => (
        <>
          <a class="name" href={places.destination(link.vhost, link.type, nameOf(link))} title={nameOf(link)}>{cutMiddle(nameOf(link), 60)}</a>
          <span class="dim hide-s"> {link.type}</span>
          <span class="meta"><StateMark state={link.status} /><span>from {link.upstream}</span></span>
          {link.error && <span class="warn hide-s" title={link.error}> {link.error}</span>}
        </>
      ),
    },
    { id: "vhost", title: "Virtual host", label: "Virtual host", width: "p3", class: "sub", word: "vhost", value: (link) => link.vhost, cell: (link) => link.vhost },
    { id: "state", title: "State", label: "State", width: "p2", word: "state", value: (link) => link.status, cell: (link) => <StateMark state={link.status} title={link.error} /> },
    { id: "upstream", title: "Upstream", label: "Upstream", width: "p2", word: "upstream", value: (link) => link.upstream, cell: (link) => (rights.setsPolicies ? <a href={href(["federation"], { kind: "upstreams", open: `${link.vhost}/${link.upstream}` })}>{cutMiddle(link.upstream, 30)}</a> : cutMiddle(link.upstream, 30)) },
    { id: "there", title: "From", label: "From", width: "p2", value: thereOf, cell: (link) => <span title={thereOf(link)}>{cutMiddle(thereOf(link), 30)}</span> },
    { id: "address", title: "Address", label: "Address", width: "p3", class: "mono", value: (link) => withoutPassword(link.uri ?? ""), cell: (link) => (link.uri ? <span title={withoutPassword(link.uri)}>{cutMiddle(withoutPassword(link.uri), 40)}</span> : <span class="dim">–</span>) },
    { id: "received", title: "Received", label: "Received", isNumber: true, word: "received", value: (link) => link.messages_received, cell: (link) => <Count value={link.messages_received} /> },
    { id: "since", title: "Since", label: "Since", width: "p3", class: "sub", value: (link) => link.timestamp ?? "", cell: (link) => link.timestamp ?? <span class="dim">–</span> },
    { id: "policy", title: "Policy", label: "Policy", class: "sub", isExtra: true, word: "policy", value: (link) => link.policy ?? "", cell: (link) => (link.policy ? <a href={places.policy(link.vhost, link.policy)}>{cutMiddle(link.policy, 30)}</a> : <span class="dim">–</span>) },
    { id: "node", title: "Node", label: "Node", class: "sub", isExtra: true, value: (link) => link.node, cell: (link) => link.node },
    { id: "type", title: "Type", label: "Type", class: "sub", isExtra: true, word: "type", value: (link) => link.type, cell: (link) => link.type },
    ...(rights.setsPolicies && !rights.isReadOnly ? [{
      id: "acts", title: <span class="vh">Acts</span>, label: "Acts", isUnsortable: true, value: () => "",
      cell: (link: Link) => <IconButton icon="refresh" small label={`Restart the link to ${nameOf(link)}`} onPress={() => void restart(link)} />,
    }] : []),
  ];
  return (
    <ListView<Link>
      id="federation-links"
      what="links"
      icon="federation"
      route={vhost === "" ? ["federation-links"] : ["federation-links", vhost]}
      columns={columns}
      sort={[{ id: "name", isDown: false }]}
      nameOf={(link) => `${nameOf(link)} ${link.upstream}`}
      keyOf={(link) => `${link.vhost} ${link.id} ${link.node} ${link.type} ${nameOf(link)} ${link.upstream}`}
      placeholder="Name, or  state:error  upstream:east"
      empty={{
        title: "There is no link",
        text: "A link comes with an upstream, which names another broker, and a policy that gives it to exchanges or queues here.",
        act: rights.setsPolicies && <Button icon="plus" onPress={() => setQuery({ new: "upstream" })}>Add upstream</Button>,
      }}
    />
  );
}
