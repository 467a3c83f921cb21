import { count, wholeCount } from "../../format/count";
import { textOf } from "../../format/parts";
import { moment } from "../../format/moment";
import { cutMiddle } from "../../format/names";
import type { Reader } from "./readers";
import { barsOf, type Segment } from "./segments";

interface Props {
  segments: readonly Segment[];
  readers: readonly Reader[];
  /** The offset that is looked at. */
  here: number | undefined;
  /** Go to an offset. */
  onGo: (offset: number) => void;
}

const WIDTH = 1160;
const TOP = 34;
const BAR_HEIGHT = 44;
const FOOT = TOP + BAR_HEIGHT;
const LANES = FOOT + 40;
const LANE = 26;
const READERS_MAX = 6;
const LATE = 1000;

/** The log as it lies: a bar for each segment, where readers are, and where one looks. */
export function LogRuler({ segments, readers, here, onGo }: Props) {
  const first = segments[0]?.first_offset ?? 0;
  const end = (segments.at(-1)?.last_offset ?? 0) + 1;
  const span = Math.max(1, end - first);
  const placeOf = (offset: number): number => Math.min(WIDTH, Math.max(0, ((offset - first) / span) * WIDTH));
  const shown = readers.filter((reader) => reader.offset !== undefined || reader.lag !== undefined).slice(0, READERS_MAX);
  const height = LANES + Math.max(1, shown.length) * LANE;
  const go = (event: MouseEvent): void => {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    onGo(Math.floor(first + ((event.clientX - box.left) / box.width) * span));
  };
  return (
    <div class="ruler-frame" tabIndex={0} role="region" aria-label="Log">
      <svg class="ruler" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={summaryOf(segments, readers, first, end)} onClick={go}>
        {barsOf(segments).map((bar) => (
          <rect
            key={bar.x}
            class={bar.isActive ? "sg act" : "sg b"}
            x={bar.x * WIDTH + 0.8}
            y={TOP + BAR_HEIGHT * (1 - bar.height)}
            width={Math.max(1, bar.width * WIDTH - 1.6)}
            height={BAR_HEIGHT * bar.height}
            rx="1.5"
          />
        ))}
        <Times segments={segments} placeOf={placeOf} />
        <text x="0" y={FOOT + 16}>{wholeCount(first)}</text>
        <text x={WIDTH / 2} y={FOOT + 16} text-anchor="middle">{textOf(count(first + Math.floor(span / 2)))}</text>
        <text class="tailt" x={WIDTH} y={FOOT + 16} text-anchor="end">now, {wholeCount(end - 1)}</text>
        {here !== undefined && <Here x={placeOf(here)} height={height} offset={here} />}
        {shown.map((reader, index) => <Lane key={reader.id} reader={reader} y={LANES + index * LANE} x={placeOf(reader.offset ?? end - (reader.lag ?? 0))} />)}
      </svg>
    </div>
  );
}

/** When the log was written: at the start, and where there is room. */
function Times({ segments, placeOf }: { segments: readonly Segment[]; placeOf: (offset: number) => number }) {
  const now = Date.now();
  let last = -Infinity;
  return (
    <>
      {segments.map((segment) => {
        const x = placeOf(segment.first_offset);
        if (segment.first_timestamp === undefined || x - last < 170 || x > WIDTH - 110) return null;
        last = x;
        return (
          <g key={segment.first_offset}>
            <line class="tickl" x1={x} x2={x} y1={TOP - 8} y2={FOOT} />
            <text x={x === 0 ? 0 : x + 4} y={TOP - 12}>{moment(segment.first_timestamp, now)}</text>
          </g>
        );
      })}
    </>
  );
}

function Here({ x, height, offset }: { x: number; height: number; offset: number }) {
  const text = `${wholeCount(offset)}, you look here`;
  const width = text.length * 6.2 + 12;
  const left = Math.min(WIDTH - width, Math.max(0, x - width / 2));
  return (
    <g>
      <line class="here" x1={x} x2={x} y1={TOP - 4} y2={height - 8} />
      <rect class="herebg" x={left} y={FOOT + 22} width={width} height="18" rx="4" />
      <text class="heret" x={left + width / 2} y={FOOT + 35} text-anchor="middle">{text}</text>
    </g>
  );
}

function Lane({ reader, x, y }: { reader: Reader; x: number; y: number }) {
  const lag = reader.lag ?? 0;
  const look = lag > LATE ? "warn" : "ok";
  const isRight = x > WIDTH / 2;
  const behind = lag === 0 ? "at the end" : `${textOf(count(lag))} behind`;
  return (
    <g>
      <line class="lane" x1="0" x2={WIDTH} y1={y + 16} y2={y + 16} />
      <line class={`lagl ${look}`} x1={x} x2={WIDTH} y1={y + 16} y2={y + 16} />
      <circle class={`pin ${look}`} cx={Math.min(WIDTH - 4, Math.max(4, x))} cy={y + 16} r="4" />
      <text x={isRight ? x - 10 : x + 10} y={y + 10} text-anchor={isRight ? "end" : "start"}>
        <tspan class="nm">{cutMiddle(reader.name, 32)}</tspan>
        <tspan dx="8">{behind}</tspan>
      </text>
    </g>
  );
}

function summaryOf(segments: readonly Segment[], readers: readonly Reader[], first: number, end: number): string {
  const told = readers.map((reader) => `${reader.name} ${reader.lag === undefined ? "somewhere" : `${wholeCount(reader.lag)} behind`}`);
  return `${segments.length} segments from offset ${wholeCount(first)} to ${wholeCount(end - 1)}${told.length === 0 ? "; nobody reads" : `; ${told.join(", ")}`}.`;
}
