import { useState } from "preact/hooks";
import { request, type ApiError, type Query } from "../api/http";
import type { Page } from "../api/types";
import { usePolled, POLL_MS } from "../state/polling";
import type { Filter } from "../route/filter";
import type { Column, SortStep } from "./column";
import { matching } from "./matching";
import { sorted } from "./order";

/** Rows as a list shows them: all of them in number, some of them at hand. */
export interface Rows<Row> {
  /** Rows that match. */
  count: number;
  /** Rows there are. */
  total: number;
  /** The row at a place of the order; undefined is on its way. */
  rowAt: (index: number) => Row | undefined;
  /** All rows at hand, before the filter; the whole list if `isWhole`. */
  atHand: readonly Row[];
  isWhole: boolean;
  isLoading: boolean;
  error: ApiError | undefined;
  /** Tell which places are in sight. */
  look: (first: number, last: number) => void;
}

interface Question<Row> {
  /** The route, such as `["queues", "shop"]`. */
  route: readonly string[];
  /** Fields to ask for, so that a page of a long list stays small. */
  fields?: string;
  query?: Query;
  filter: Filter;
  sort: readonly SortStep[];
  columns: readonly Column<Row>[];
  nameOf: (row: Row) => string;
  /** Which rows belong here at all; the broker cannot be asked for these alone. */
  where?: ((row: Row) => boolean) | undefined;
  /** Pause between two questions. */
  everyMs?: number;
}

interface Answer<Row> {
  total: number;
  filtered: number;
  /** Rows by place; whole if there are as many as `filtered`. */
  rows: Map<number, Row>;
  isWhole: boolean;
}

const PAGE_ROWS = 100;
const WHOLE_PAGE_ROWS = 500;
const WALK_ROWS_MAX = 50_000;
const WALK_EVERY_MS = 15_000;

/**
 * The rows of a list. A short list is read whole and ordered here. Of a long one, the broker is
 * asked for the pages in sight, in its order; only a filter or an order that it does not know makes
 * this program walk all pages.
 */
export function useRows<Row>(question: Question<Row>): Rows<Row> {
  const [sight, setSight] = useState({ first: 0, last: PAGE_ROWS - 1 });
  const { route, filter, sort, columns, nameOf } = question;
  const base: Query = { ...question.query, columns: question.fields };
  const first = usePolled<Answer<Row>>(
    keyOf(route, base, "first"),
    (signal) => readFirst(route, base, signal),
    question.everyMs ?? POLL_MS,
  );
  const isShort = first.data?.isWhole ?? true;
  const server = isShort || question.where !== undefined ? null : serverOrder(filter, sort, columns);
  const isWalk = !isShort && server === null;
  const pages = pagesOf(sight);
  const window = usePolled<Answer<Row>>(
    server === null ? null : keyOf(route, { ...base, ...server }, pages.join()),
    (signal) => readPages(route, { ...base, ...server }, pages, signal),
    question.everyMs ?? POLL_MS,
  );
  const walk = usePolled<Answer<Row>>(
    isWalk ? keyOf(route, base, "walk") : null,
    (signal) => readAll(route, base, signal),
    WALK_EVERY_MS,
  );
  const look = (from: number, to: number): void => {
    if (pagesOf({ first: from, last: to }).join() !== pages.join()) setSight({ first: from, last: to });
  };
  if (server !== null) {
    const answer = window.data ?? first.data;
    return {
      count: answer?.filtered ?? 0,
      total: first.data?.total ?? 0,
      rowAt: (index) => window.data?.rows.get(index),
      atHand: [...(window.data?.rows.values() ?? [])],
      isWhole: false,
      isLoading: window.data === undefined,
      error: window.error ?? first.error,
      look,
    };
  }
  const source = isWalk ? walk : first;
  const read = [...(source.data?.rows.values() ?? [])];
  const all = question.where === undefined ? read : read.filter(question.where);
  const shown = sorted(matching(all, filter, columns, nameOf), sort, columns);
  return {
    count: shown.length,
    total: all.length,
    rowAt: (index) => shown[index],
    atHand: all,
    isWhole: true,
    isLoading: source.data === undefined,
    error: source.error,
    look,
  };
}

/** The order in the broker's words; null where it has none for it. */
function serverOrder<Row>(filter: Filter, sort: readonly SortStep[], columns: readonly Column<Row>[]): Query | null {
  if (filter.typed.length > 0 || filter.text.includes(" ") || sort.length > 1) return null;
  const step = sort[0];
  const column = columns.find((candidate) => candidate.id === step?.id);
  if (step !== undefined && column?.serverKey === undefined) return null;
  return {
    sort: column?.serverKey,
    sort_reverse: step?.isDown ? "true" : undefined,
    name: filter.text === "" ? undefined : filter.text,
    use_regex: filter.text === "" ? undefined : "false",
  };
}

function keyOf(route: readonly string[], query: Query, part: string): string {
  return `${route.map(encodeURIComponent).join("/")} ${JSON.stringify(query)} ${part}`;
}

function pagesOf(sight: { first: number; last: number }): number[] {
  const from = Math.floor(Math.max(0, sight.first) / PAGE_ROWS);
  const to = Math.floor(Math.max(0, sight.last) / PAGE_ROWS);
  return Array.from({ length: Math.min(4, to - from + 1) }, (_, index) => from + index + 1);
}

/** A list without pages comes whole; one with them is whole when its first page holds all. */
async function readFirst<Row>(route: readonly string[], base: Query, signal: AbortSignal): Promise<Answer<Row>> {
  const query = { ...base, page: 1, page_size: WHOLE_PAGE_ROWS };
  const told = await request<Page<Row> | Row[]>("GET", route, { query, signal });
  if (Array.isArray(told)) return wholeAnswer(told);
  if (told.total_count <= WHOLE_PAGE_ROWS) return wholeAnswer(told.items);
  return { total: told.total_count, filtered: told.filtered_count, rows: placed(told.items, 0), isWhole: false };
}

async function readPages<Row>(
  route: readonly string[],
  base: Query,
  pages: readonly number[],
  signal: AbortSignal,
): Promise<Answer<Row>> {
  const rows = new Map<number, Row>();
  let last: Page<Row> | undefined;
  for (const page of pages) {
    if (last !== undefined && page > last.page_count) break;
    last = await request<Page<Row>>("GET", route, { query: { ...base, page, page_size: PAGE_ROWS }, signal });
    for (const [place, row] of placed(last.items, (page - 1) * PAGE_ROWS)) rows.set(place, row);
  }
  return { total: last?.total_count ?? 0, filtered: last?.filtered_count ?? 0, rows, isWhole: false };
}

async function readAll<Row>(route: readonly string[], base: Query, signal: AbortSignal): Promise<Answer<Row>> {
  const rows: Row[] = [];
  for (let page = 1; rows.length < WALK_ROWS_MAX; page += 1) {
    const query = { ...base, page, page_size: WHOLE_PAGE_ROWS };
    const told = await request<Page<Row>>("GET", route, { query, signal });
    rows.push(...told.items);
    if (page >= told.page_count) break;
  }
  return wholeAnswer(rows);
}

function wholeAnswer<Row>(rows: readonly Row[]): Answer<Row> {
  return { total: rows.length, filtered: rows.length, rows: placed(rows, 0), isWhole: true };
}

function placed<Row>(rows: readonly Row[], from: number): Map<number, Row> {
  return new Map(rows.map((row, index) => [from + index, row]));
}
