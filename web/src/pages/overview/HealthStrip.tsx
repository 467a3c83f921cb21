import type { Node } from "../../api/types";
import { Meter } from "../../components/Meter";
import { Strip, Tile } from "../../components/Tile";
import { bytes } from "../../format/bytes";
import { wholeCount } from "../../format/count";
import { textOf } from "../../format/parts";
import { share, shareOf } from "../../format/share";
import { href } from "../../route/router";
import { hasNumbers } from "../nodes/cluster";

/** From which share on a number is amber. */
const WARN_SHARE = 0.8;

/** Alarms and what is left of memory, disk and files, over all nodes. */
export function HealthStrip({ nodes: all }: { nodes: readonly Node[] }) {
  const nodes = all.filter(hasNumbers);
  const alarms = nodes.flatMap((node) => [
    ...(node.mem_alarm ? [`memory on ${node.name}`] : []),
    ...(node.disk_free_alarm ? [`disk on ${node.name}`] : []),
  ]);
  const sum = (of: (node: Node) => number | undefined): number => nodes.reduce((total, node) => total + (of(node) ?? 0), 0);
  const memoryUsed = sum((node) => node.mem_used);
  const memoryLimit = sum((node) => node.mem_limit);
  const diskFree = Math.min(...nodes.map((node) => node.disk_free ?? Infinity));
  const diskLimit = Math.max(...nodes.map((node) => node.disk_free_limit ?? 0));
  const files = sum((node) => node.fd_used);
  const filesMax = sum((node) => node.fd_total);
  const sockets = sum((node) => node.sockets_used);
  const socketsMax = sum((node) => node.sockets_total);
  const place = href(["nodes"]);
  return (
    <Strip label="Health">
      <Tile title="Alarms" href={place} look={alarms.length > 0 ? "bad" : undefined} value={alarms.length > 0 ? alarms.length : "None"} note={alarms.length > 0 ? alarms.join(", ") : "publishers are let in"} />
      <Tile title="Memory" href={place} look={nodes.some((node) => node.mem_alarm) ? "bad" : undefined} value={<Of part={textOf(bytes(memoryUsed))} rest={` of ${textOf(bytes(memoryLimit))}`} />} note={`blocks at the limit, ${share(memoryUsed, memoryLimit)} now`}>
        <Meter share={shareOf(memoryUsed, memoryLimit)} look={shareOf(memoryUsed, memoryLimit) > WARN_SHARE ? "warn" : undefined} label="Memory" />
      </Tile>
      <Tile title="Disk" href={place} look={nodes.some((node) => node.disk_free_alarm) ? "bad" : undefined} value={<Of part={Number.isFinite(diskFree) ? textOf(bytes(diskFree)) : "–"} rest=" free" />} note={`blocks at ${textOf(bytes(diskLimit))}`}>
        <Meter share={shareOf(diskLimit, diskFree)} label="Disk limit of what is free" />
      </Tile>
      <Tile title="Files" href={place} value={<Of part={wholeCount(files)} rest={` of ${wholeCount(filesMax)}`} />} note={nodes.length < all.length ? `open on ${nodes.length} of ${all.length} nodes` : "open on all nodes"}>
        <Meter share={shareOf(files, filesMax)} look={shareOf(files, filesMax) > WARN_SHARE ? "warn" : undefined} label="Files" />
      </Tile>
      <Tile title="Sockets" href={place} value={<Of part={wholeCount(sockets)} rest={` of ${wholeCount(socketsMax)}`} />} note="connections may still come">
        <Meter share={shareOf(sockets, socketsMax)} look={shareOf(sockets, socketsMax) > WARN_SHARE ? "warn" : undefined} label="Sockets" />
      </Tile>
    </Strip>
  );
}

function Of({ part, rest }: { part: string; rest: string }) {
  return <span>{part}<span class="u">{rest}</span></span>;
}
