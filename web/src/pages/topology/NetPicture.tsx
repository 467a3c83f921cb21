import { cutMiddle } from "../../format/names";
import { rateDigits } from "../../format/rate";
import { href } from "../../route/router";
import { places } from "../../route/places";
import { BOX_HEIGHT, type Box, type Edge, type Picture } from "./layout";

interface Props {
  picture: Picture;
  vhost: string;
  /** Boxes on the way of the simulated message; empty where none is simulated. */
  lit: ReadonlySet<string>;
  /** Names that are looked for. */
  found: string;
}

const LETTERS = { publisher: 19, exchange: 22, queue: 25, consumer: 19 } as const;

/** Exchanges, queues and consumers with the ways between them; the width of a way is its rate. */
export function NetPicture({ picture, vhost, lit, found }: Props) {
  const byId = new Map(picture.boxes.map((box) => [box.id, box]));
  const isDimmed = (box: Box): boolean => found !== "" && !box.name.toLowerCase().includes(found.toLowerCase());
  return (
    <svg class="net" width={picture.width} height={picture.height} viewBox={`0 0 ${picture.width} ${picture.height}`} role="group" aria-label={`${picture.boxes.length} things and ${picture.edges.length} ways between them; the table has the same`}>
      {picture.boxes.some((box) => box.kind === "publisher") && <text class="colh" x={picture.columns.publisher} y="22">Publishers</text>}
      <text class="colh" x={picture.columns.exchange} y="22">Exchanges</text>
      <text class="colh" x={picture.columns.queue} y="22">Queues</text>
      <text class="colh" x={picture.columns.consumer} y="22">Consumers</text>
      {picture.edges.map((edge) => <Way key={`${edge.from} ${edge.to} ${edge.kind}`} edge={edge} from={byId.get(edge.from)} to={byId.get(edge.to)} isLit={lit.has(edge.from) && lit.has(edge.to)} />)}
      {picture.boxes.map((box) => (
        <a key={box.id} href={hrefOf(box, vhost)}>
          <title>{box.name}</title>
          <rect class={["box", box.kind === "exchange" && "x", lit.has(box.id) && "lit", isDimmed(box) && "dimmed"].filter(Boolean).join(" ")} x={box.x} y={box.y} width={box.width} height={BOX_HEIGHT} rx="6" />
          {/* A picture in the picture cuts what is wider than its letters let expect. */}
          <svg x={box.x} y={box.y} width={box.width - 6} height={BOX_HEIGHT}>
            <text class="tn" x="10" y="18">{cutMiddle(box.name, LETTERS[box.kind])}</text>
            <text class={box.look ? `t2 ${box.look}` : "t2"} x="10" y="33">{cutMiddle(box.note, LETTERS[box.kind] + 4)}</text>
          </svg>
        </a>
      ))}
    </svg>
  );
}

function hrefOf(box: Box, vhost: string): string {
  if (box.kind === "exchange") return places.exchange(vhost, box.id.slice("exchange ".length));
  if (box.kind === "publisher") return box.connection ? places.connection(box.connection) : href(["connections"], { filter: box.name });
  return places.queue(vhost, box.id.slice(box.kind.length + 1), box.kind === "consumer" ? { tab: "consumers" } : {});
}

function Way({ edge, from, to, isLit }: { edge: Edge; from: Box | undefined; to: Box | undefined; isLit: boolean }) {
  if (from === undefined || to === undefined) return null;
  const look = ["edge", edge.kind === "dead" && "dash", edge.kind === "alternate" && "alt", isLit && "lit"].filter(Boolean).join(" ");
  const isForward = edge.kind === "publish" || edge.kind === "binding" || edge.kind === "consume";
  const width = isForward ? widthOf(edge.rate) : 1.5;
  const path = isForward ? forward(from, to) : around(from, to);
  return (
    <g>
      <path class={look} d={path} stroke-width={width}>
        <title>{edge.label || edge.kind}{edge.rate > 0 ? `, ${rateDigits(edge.rate)}/s` : ""}</title>
      </path>
      {edge.label && to.kind === "queue" && (
        <text class={isLit ? "mono litt" : "mono"} x={to.x - 8} y={to.y + BOX_HEIGHT / 2 - 5} text-anchor="end">{cutMiddle(edge.label, 26)}</text>
      )}
    </g>
  );
}

/** One pixel at rest, up to six at ten thousand a second. */
function widthOf(rate: number): number {
  return 1 + Math.min(5, Math.log10(1 + rate) * 1.25);
}

function forward(from: Box, to: Box): string {
  if (from.kind === to.kind) return around(from, to);
  const x1 = from.x + from.width;
  const y1 = from.y + BOX_HEIGHT / 2;
  const y2 = to.y + BOX_HEIGHT / 2;
  const bend = from.kind === "exchange" ? x1 + 70 : (x1 + to.x) / 2;
  const end = from.kind === "exchange" ? x1 + 90 : to.x;
  return `M${x1} ${y1}C${bend} ${y1} ${bend - 40} ${y2} ${end} ${y2}H${to.x}`;
}

/** Back to an exchange: out at the right or left, along, and in. */
function around(from: Box, to: Box): string {
  const y1 = from.y + BOX_HEIGHT - 8;
  const y2 = to.y + BOX_HEIGHT - 8;
  if (from.kind === "exchange") {
    const side = from.x - 14;
    return `M${from.x} ${y1}C${side} ${y1} ${side} ${y2} ${to.x} ${y2}`;
  }
  const side = from.x + from.width + 16;
  const foot = Math.max(from.y, to.y) + BOX_HEIGHT + 8;
  const middle = to.x + to.width / 2;
  return `M${from.x + from.width} ${y1}H${side}V${foot}H${middle}V${to.y + BOX_HEIGHT}`;
}
