import { request } from "../../api/http";
import { Badge } from "../../components/Badge";
import { Bones } from "../../components/Bones";
import { Empty } from "../../components/Empty";
import { Failed } from "../../components/Failed";
import { Count, Figure } from "../../components/Figure";
import { Icon } from "../../components/Icon";
import { LiveMark } from "../../components/LiveMark";
import { PageHead } from "../../components/PageHead";
import { Strip, Tile } from "../../components/Tile";
import { Verdict } from "../../components/Verdict";
import { bytes } from "../../format/bytes";
import { wholeCount } from "../../format/count";
import { many } from "../../format/many";
import { textOf } from "../../format/parts";
import { rate } from "../../format/rate";
import { places } from "../../route/places";
import { href, setQuery, useAddress } from "../../route/router";
import { usePolled } from "../../state/polling";
import { PartitionMatrix } from "./PartitionMatrix";
import { BEHIND_MANY, groupSums, groupTitle, skewOf, totalOf, type SuperStream } from "./superStream";

interface Props {
  vhost: string;
  name: string;
}

/** One super stream: its partitions, and where each group of readers is in each of them. */
export function SuperStreamPage({ vhost, name }: Props) {
  const { query } = useAddress();
  const told = usePolled(`stream/super-streams/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}`, (signal) =>
    request<SuperStream>("GET", ["stream", "super-streams", vhost, name], { signal }),
  );
  const stream = told.data;
  const chosen = stream?.groups.find((group) => group === query.group);
  return (
    <>
      <PageHead
        title={name}
        crumbs={[{ title: "Super streams", href: href(["super-streams"]) }, { title: vhost, href: href(["super-streams"], { filter: `vhost:${vhost}` }) }]}
        badges={stream && <><Badge>super stream</Badge><Badge>{stream.type}</Badge></>}
        acts={<a class="btn hide-s" href={places.exchange(vhost, name)}><Icon name="exchange" />Its exchange</a>}
        verdict={stream && <Furthest stream={stream} />}
      />
      {stream === undefined ? (
        told.error ? <Failed what={`Super stream ${name}`} error={told.error} /> : <Bones />
      ) : stream.partitions.length === 0 ? (
        <Empty icon="stream" title="It has no partition">A partition is a stream that its exchange is bound to. <a href={places.exchange(vhost, name, { tab: "bindings" })}>Bind one</a>.</Empty>
      ) : (
        <div class="fill-col">
          <div class="tools">
            <Strip label="Sums" flat>
              <Tile title="Partitions" value={wholeCount(stream.partitions.length)} note={skewText(stream)} />
              <Tile title="Messages" value={<Count value={totalOf(stream, "messages")} />} note={`${textOf(bytes(totalOf(stream, "size_bytes")))} in ${many(totalOf(stream, "segments_count"), "segment")}`} />
              <Tile title="Written" value={<Figure parts={rate(totalOf(stream, "rate_in"))} />} note={`${textOf(rate(totalOf(stream, "rate_out")))} read`} />
              <Tile title="Readers" value={<Count value={totalOf(stream, "consumers")} />} note={many(stream.groups.length + stream.groups_left_out, "group")} />
            </Strip>
          </div>
          <PartitionMatrix stream={stream} groups={chosen === undefined ? stream.groups : [chosen]} />
          <div class="status">
            {stream.groups.length === 0 ? (
              <span>No reader has a name or a stored offset</span>
            ) : (
              <label class="row">
                <span>Groups</span>
                <span class="input choice s">
                  <select aria-label="Groups that have a column" value={chosen ?? ""} onChange={(event) => setQuery({ group: event.currentTarget.value })}>
                    <option value="">all {stream.groups.length}</option>
                    {groupSums(stream).map((sum) => <option key={sum.group} value={sum.group}>{`${groupTitle(sum.group)}: ${wholeCount(sum.lag)} behind, read in ${sum.read} of ${stream.partitions.length}`}</option>)}
                  </select>
                  <Icon name="down" small />
                </span>
              </label>
            )}
            {stream.groups_left_out > 0 && <span>{wholeCount(stream.groups_left_out)} more are not told</span>}
            <span class="push"><LiveMark /></span>
          </div>
        </div>
      )}
    </>
  );
}

/** The group that is furthest behind, or one whose partitions nobody reads. */
function Furthest({ stream }: { stream: SuperStream }) {
  const sums = groupSums(stream).sort((one, other) => other.lag - one.lag);
  const worst = sums[0];
  if (worst === undefined || worst.lag <= BEHIND_MANY) return null;
  const unread = worst.known - worst.read;
  return (
    <Verdict look="warn">
      <b>{groupTitle(worst.group)}</b> is {many(worst.lag, "message")} behind{unread > 0 ? `, and nobody reads ${many(unread, "partition")} for it` : ""}.
    </Verdict>
  );
}

function skewText(stream: SuperStream): string {
  const skew = skewOf(stream);
  if (skew === null || skew.times < 1.5) return "evenly filled";
  return `${skew.name} has ${skew.times.toFixed(1)} times its share`;
}
