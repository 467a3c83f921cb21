import type { Member } from "../../api/cluster";
import { Count, Figure } from "../../components/Figure";
import { age } from "../../format/age";

/** What a node is in its cluster: what it leads, and how far its mirrors are behind. */
export function MemberFacts({ member, isAsked }: { member: Member; isAsked: boolean }) {
  return (
    <dl class="kv">
      <dt>leads</dt><dd><Count value={member.leaders} /> of <Count value={member.replicas} /> queues that it has</dd>
      <dt>mirrors</dt>
      <dd>
        {isAsked && <span class="dim">of this node's queues are elsewhere</span>}
        {!isAsked && (member.lag === null || !member.running) && <span class="dim">no link</span>}
        {!isAsked && member.running && member.lag !== null && (member.lag === 0 ? "up to date" : <span class="c-lag"><Count value={member.lag} /> records behind</span>)}
      </dd>
      <dt>zone</dt><dd>{member.zone || <span class="dim">–</span>}</dd>
      <dt>version</dt><dd>{member.version || <span class="dim">–</span>}</dd>
      <dt>links at</dt><dd class="mono cut" title={member.address}>{member.address || <span class="dim">–</span>}</dd>
      {member.gone_ms !== null && <><dt>gone for</dt><dd><Figure parts={age(member.gone_ms)} /></dd></>}
    </dl>
  );
}
