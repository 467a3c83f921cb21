import { useState } from "preact/hooks";
import { rebalance, type Cluster } from "../../api/cluster";
import { request } from "../../api/http";
import type { Node } from "../../api/types";
import { AskDialog } from "../../components/AskDialog";
import { Badge } from "../../components/Badge";
import { Bones } from "../../components/Bones";
import { Button } from "../../components/Button";
import { Failed } from "../../components/Failed";
import { Figure } from "../../components/Figure";
import { Meter } from "../../components/Meter";
import { PageHead } from "../../components/PageHead";
import { Panel } from "../../components/Panel";
import { StateMark } from "../../components/StateMark";
import { Verdict } from "../../components/Verdict";
import { age } from "../../format/age";
import { bytes } from "../../format/bytes";
import { wholeCount } from "../../format/count";
import { textOf } from "../../format/parts";
import { shareOf } from "../../format/share";
import { useAddress } from "../../route/router";
import { useCluster } from "../../state/cluster";
import { useOverview } from "../../state/overview";
import { askAgain, usePolled } from "../../state/polling";
import { useRights } from "../../state/rights";
import { say } from "../../state/toasts";
import { clusterTrouble, hasNumbers, stateOf } from "./cluster";
import { DangerPanel } from "./DangerPanel";
import { LoopLagPanel } from "./LoopLagPanel";
import { MemberActs } from "./MemberActs";
import { MemberFacts } from "./MemberFacts";
import { MemoryPanel } from "./MemoryPanel";
import { StorePanel } from "./StorePanel";

/** The nodes of the cluster: how they are, what they use, and where they listen. */
export function NodesPage() {
  const { query } = useAddress();
  const overview = useOverview().data;
  const told = usePolled("nodes", (signal) => request<Node[]>("GET", ["nodes"], { signal }));
  const nodes = told.data;
  const cluster = useCluster();
  const rights = useRights();
  const [isBalancing, setBalancing] = useState(false);
  // The numbers of other nodes are not known here.
  const known = nodes?.filter(hasNumbers);
  const chosen = known?.find((node) => node.name === query.open) ?? known?.[0];
  return (
    <>
      <PageHead
        title="Cluster"
        of={overview?.cluster_name}
        acts={cluster && rights.isAdministrator && <Button onPress={() => setBalancing(true)}>Rebalance…</Button>}
        verdict={nodes && <ClusterVerdict nodes={nodes} cluster={cluster} />}
      />
      {isBalancing && <RebalanceDialog onClose={() => setBalancing(false)} />}
      {nodes === undefined ? (
        told.error ? <Failed what="The list of nodes" error={told.error} /> : <Bones />
      ) : (
        <div class="body">
          <div class="nodes">{nodes.map((node) => <NodeCard key={node.name} node={node} cluster={cluster} mayAct={rights.isAdministrator} />)}</div>
          {cluster && <DangerPanel mirrored={cluster.queues?.mirrored ?? 0} />}
          {cluster && <StorePanel cluster={cluster} mayAct={rights.isAdministrator} />}
          {chosen && <LoopLagPanel node={chosen.name} />}
          <div class="grid2">
            {chosen && <MemoryPanel node={chosen.name} />}
            <Panel title="Listeners" note={overview?.listeners && wholeCount(overview.listeners.length)} clip>
              <table class="table">
                <thead><tr>{cluster && <th scope="col">Node</th>}<th scope="col">Protocol</th><th class="fluid" scope="col">Address</th><th class="num" scope="col">Port</th><th class="p2" scope="col">TLS</th></tr></thead>
                <tbody>
                  {(overview?.listeners ?? []).map((listener) => (
                    <tr key={`${listener.node} ${listener.protocol} ${listener.ip_address} ${listener.port}`}>
                      {cluster && <td><span class="cut" title={listener.node}>{listener.node}</span></td>}
                      <td>{listener.protocol}</td>
                      <td class="fluid mono">{listener.ip_address}</td>
                      <td class="num">{listener.port}</td>
                      <td class="p2">{listener.tls ? "yes" : <span class="dim">no</span>}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Panel>
          </div>
          {chosen && <NodeFacts node={chosen} />}
        </div>
      )}
    </>
  );
}

function RebalanceDialog({ onClose }: { onClose: () => void }) {
  return (
    <AskDialog
      title="Rebalance leaders"
      act="Rebalance"
      onClose={onClose}
      onConfirm={async () => {
        const { moves } = await rebalance();
        askAgain();
        say(moves === 0 ? "No leader has to move" : `${moves} leaders move, one after the other`);
      }}
    >
      <p>Leaders move from nodes that have more to do to mirrors that are in sync. Each queue waits for its move, mostly well under a second.</p>
    </AskDialog>
  );
}

function ClusterVerdict({ nodes, cluster }: { nodes: readonly Node[]; cluster: Cluster | undefined }) {
  const down = nodes.filter((node) => !node.running);
  if (down.length > 0) return <Verdict look="bad"><b>{down.map((node) => node.name).join(", ")}</b> {down.length === 1 ? "is" : "are"} not running.</Verdict>;
  const parted = nodes.filter((node) => (node.partitions ?? []).length > 0);
  if (parted.length > 0) return <Verdict look="bad"><b>{parted.map((node) => node.name).join(", ")}</b> do not see all others: the network is parted.</Verdict>;
  const alarmed = nodes.find((node) => node.mem_alarm || node.disk_free_alarm);
  if (alarmed) return <Verdict look="bad"><b>{alarmed.name}</b> is in alarm of its {alarmed.mem_alarm ? "memory" : "disk"}: publishers are blocked until it passes.</Verdict>;
  const trouble = cluster && clusterTrouble(cluster);
  if (trouble) return <Verdict look={trouble.look}>{trouble.text}</Verdict>;
  return null;
}

function NodeCard({ node, cluster, mayAct }: { node: Node; cluster: Cluster | undefined; mayAct: boolean }) {
  const member = cluster?.nodes.find((each) => each.name === node.name);
  const gauges = [
    { title: "Memory", value: textOf(bytes(node.mem_used)), rest: ` of ${textOf(bytes(node.mem_limit))}`, share: shareOf(node.mem_used ?? 0, node.mem_limit ?? 0), isBad: node.mem_alarm },
    { title: "Disk", value: textOf(bytes(node.disk_free)), rest: " free", share: shareOf(node.disk_free_limit ?? 0, node.disk_free ?? 0), isBad: node.disk_free_alarm },
    { title: "Files", value: wholeCount(node.fd_used ?? 0), rest: ` of ${wholeCount(node.fd_total ?? 0)}`, share: shareOf(node.fd_used ?? 0, node.fd_total ?? 0) },
    { title: "Sockets", value: wholeCount(node.sockets_used ?? 0), rest: ` of ${wholeCount(node.sockets_total ?? 0)}`, share: shareOf(node.sockets_used ?? 0, node.sockets_total ?? 0) },
  ];
  return (
    <section class="panel node-card">
      <div class="row">
        <h2 class="cut" title={node.name}>{node.name}</h2>
        <StateMark state={stateOf(node)} />
        {hasNumbers(node) && <span class="push dim fs nowrap">up <Figure parts={age(node.uptime)} /></span>}
      </div>
      {hasNumbers(node) && <div class="gauges two">
        {gauges.map((gauge) => (
          <div key={gauge.title}>
            <div class="k">{gauge.title}</div>
            <div class="v">{gauge.value}<span class="u">{gauge.rest}</span></div>
            <Meter share={gauge.share} look={gauge.isBad ? "bad" : gauge.share > 0.8 ? "warn" : undefined} label={gauge.title} />
          </div>
        ))}
      </div>}
      {member && <MemberFacts member={member} isAsked={member.name === cluster?.node} />}
      {member && mayAct && <MemberActs member={member} />}
    </section>
  );
}

function NodeFacts({ node }: { node: Node }) {
  return (
    <Panel title={node.name} note="what it runs">
      <dl class="kv pad">
        <dt>process</dt><dd>{node.os_pid}</dd>
        <dt>processors</dt><dd>{node.processors}</dd>
        <dt>run queue</dt><dd>{wholeCount(node.run_queue ?? 0)}</dd>
        <dt>data</dt><dd class="mono">{node.db_dir ?? "–"}</dd>
        <dt>logs</dt><dd class="mono">{(node.log_files ?? []).join(", ") || "–"}</dd>
        <dt>settings</dt><dd class="mono">{(node.config_files ?? []).join(", ") || "–"}</dd>
        <dt>logins by</dt><dd>{(node.auth_mechanisms ?? []).filter((mechanism) => mechanism.enabled).map((mechanism) => mechanism.name).join(", ")}</dd>
        <dt>plugins</dt><dd class="row wrap">{(node.enabled_plugins ?? []).map((plugin) => <Badge key={plugin}>{plugin}</Badge>)}</dd>
      </dl>
    </Panel>
  );
}
