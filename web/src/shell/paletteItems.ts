import { request } from "../api/http";
import type { Page } from "../api/types";
import type { IconName } from "../components/icons";
import { exchangeTitle } from "../format/names";
import { wholeCount } from "../format/count";
import { href } from "../route/router";
import { places } from "../route/places";
import { chooseRange, RANGES } from "../state/range";
import type { Rights } from "../state/rights";
import { nextTheme } from "../state/theme";
import { NAVIGATION } from "./navigation";

/** A line of the palette: an object to open or an act to run. */
export interface Item {
  id: string;
  group: "Queues" | "Exchanges" | "Connections" | "Pages" | "Actions";
  icon: IconName;
  title: string;
  note?: string;
  /** At the right: a number or a key. */
  end?: string;
  isKey?: boolean;
  href?: string;
  run?: () => void;
}

const FOUND_MAX = 6;

/** Pages and acts that hold all words. */
export function fixedItems(text: string, rights: Rights): Item[] {
  const pages = NAVIGATION.flatMap((group) => group.entries)
    .filter((entry) => entry.isFor?.(rights) ?? true)
    .map((entry): Item => ({
      id: `page ${entry.title}`,
      group: "Pages",
      icon: entry.icon,
      title: entry.title,
      href: href(entry.segments),
      ...(entry.key ? { end: `g ${entry.key}`, isKey: true } : {}),
    }));
  const acts: Item[] = [
    { id: "theme", group: "Actions", icon: "sun", title: "Change the theme", end: "t", isKey: true, run: nextTheme },
    ...RANGES.map((range): Item => ({ id: `range ${range.id}`, group: "Actions", icon: "clock", title: `Show the last ${range.title}`, run: () => chooseRange(range.id) })),
  ];
  const words = text.toLowerCase().split(/\s+/);
  return [...pages, ...acts].filter((item) => words.every((word) => item.title.toLowerCase().includes(word)));
}

interface Named {
  name: string;
  vhost?: string;
  messages_ready?: number;
  type?: string;
}

/** Objects whose names hold the text, asked of the broker. */
export async function foundItems(text: string, signal: AbortSignal): Promise<Item[]> {
  if (text.trim() === "") return [];
  const ask = async (route: string, columns: string): Promise<Named[]> => {
    const query = { page: 1, page_size: FOUND_MAX, name: text.trim(), use_regex: "false", columns };
    const told = await request<Page<Named> | Named[]>("GET", [route], { query, signal });
    return Array.isArray(told) ? told : told.items;
  };
  const [queues, exchanges] = await Promise.all([
    ask("queues", "name,vhost,messages_ready"),
    ask("exchanges", "name,vhost,type"),
  ]);
  return [
    ...queues.map((queue): Item => ({
      id: `queue ${queue.vhost}/${queue.name}`,
      group: "Queues",
      icon: "queue",
      title: queue.name,
      note: queue.vhost ?? "",
      end: `${wholeCount(queue.messages_ready ?? 0)} ready`,
      href: places.queue(queue.vhost ?? "/", queue.name),
    })),
    ...exchanges.map((exchange): Item => ({
      id: `exchange ${exchange.vhost}/${exchange.name}`,
      group: "Exchanges",
      icon: "exchange",
      title: exchangeTitle(exchange.name),
      note: `${exchange.vhost}, ${exchange.type}`,
      href: places.exchange(exchange.vhost ?? "/", exchange.name),
    })),
    ...queues.slice(0, 2).map((queue): Item => ({
      id: `browse ${queue.vhost}/${queue.name}`,
      group: "Actions",
      icon: "eye",
      title: `Browse messages of ${queue.name}`,
      href: places.queue(queue.vhost ?? "/", queue.name, { tab: "messages" }),
    })),
    ...exchanges.slice(0, 2).map((exchange): Item => ({
      id: `publish ${exchange.vhost}/${exchange.name}`,
      group: "Actions",
      icon: "send",
      title: `Publish to ${exchangeTitle(exchange.name)}…`,
      href: places.exchange(exchange.vhost ?? "/", exchange.name, { tab: "publish" }),
    })),
  ];
}
