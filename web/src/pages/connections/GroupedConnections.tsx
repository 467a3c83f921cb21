import { useState } from "preact/hooks";
import { nameOfConnection, productOf } from "../../api/clients";
import { request } from "../../api/http";
import type { Connection, Page } from "../../api/types";
import { Bones } from "../../components/Bones";
import { Empty } from "../../components/Empty";
import { Failed } from "../../components/Failed";
import { Figure } from "../../components/Figure";
import { Icon } from "../../components/Icon";
import { LiveMark } from "../../components/LiveMark";
import { StateMark } from "../../components/StateMark";
import { roughAge } from "../../format/age";
import { bytesRate } from "../../format/bytes";
import { wholeCount } from "../../format/count";
import { many } from "../../format/many";
import { setQuery } from "../../route/router";
import { usePolled } from "../../state/polling";
import { groupsOf, sumOver, type Group, type GroupKey } from "./grouping";

interface Props {
  route: readonly string[];
  by: GroupKey;
  /** The connection that is open beside the list. */
  open: string | undefined;
  /** Words that a name, a user or an address must have. */
  text: string;
}

const CONNECTIONS_MAX = 500;
const OPEN_FROM_START = 12;

/** Connections in groups: who they are, and what each group does together. */
export function GroupedConnections({ route, by, open, text }: Props) {
  const told = usePolled(`grouped ${route.map(encodeURIComponent).join("/")}`, (signal) =>
    request<Page<Connection>>("GET", route, { query: { page: 1, page_size: CONNECTIONS_MAX }, signal }),
  );
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  if (told.data === undefined) return told.error ? <Failed what="The list of connections" error={told.error} /> : <Bones />;
  const low = text.toLowerCase();
  const shown = told.data.items.filter((one) => `${nameOfConnection(one)} ${one.name} ${one.user} ${productOf(one)}`.toLowerCase().includes(low));
  const groups = groupsOf(shown, by);
  const areOpen = shown.length <= OPEN_FROM_START * 2;
  const toggle = (title: string): void => {
    const next = new Set(toggled);
    if (!next.delete(title)) next.add(title);
    setToggled(next);
  };
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Connections in groups">
        {groups.length === 0 ? (
          <Empty icon="conn" title={text === "" ? "Nobody is connected" : "No connection fits"}>{text === "" ? "Clients connect to the AMQP port with their user and password." : "No name, user or address has these words."}</Empty>
        ) : (
          <table class="table">
            <thead>
              <tr>
                <th class="fluid" scope="col">Name</th>
                <th class="p2" scope="col">State</th>
                <th class="num" scope="col">Channels</th>
                <th class="num p2" scope="col">From client</th>
                <th class="num p2" scope="col">To client</th>
                <th class="num p2" scope="col">Since</th>
              </tr>
            </thead>
            <tbody>
              {groups.map((group) => (
                <GroupRows key={group.title} group={group} isOpen={areOpen !== toggled.has(group.title)} open={open} onToggle={() => toggle(group.title)} />
              ))}
            </tbody>
          </table>
        )}
      </div>
      <div class="status">
        <span>{many(groups.length, "group")}, {many(shown.length, "connection")}</span>
        {told.data.filtered_count > CONNECTIONS_MAX && <span class="warn">the first {wholeCount(CONNECTIONS_MAX)} of {wholeCount(told.data.filtered_count)} are grouped</span>}
        <span class="push" />
        <LiveMark />
      </div>
    </>
  );
}

function GroupRows({ group, isOpen, open, onToggle }: { group: Group; isOpen: boolean; open: string | undefined; onToggle: () => void }) {
  const first = group.connections[0];
  return (
    <>
      <tr class="group">
        <td class="fluid">
          <button class="sort" type="button" aria-expanded={isOpen} onClick={onToggle}><Icon name={isOpen ? "down" : "right"} small />{group.title}</button>{" "}
          <span class="n">{wholeCount(group.connections.length)} <span class="hide-s">{first ? productOf(first) : ""}</span></span>
        </td>
        <td class="p2" />
        <td class="num">{wholeCount(sumOver(group, (one) => one.channels) ?? 0)}</td>
        <td class="num p2"><Figure parts={bytesRate(sumOver(group, (one) => one.recv_oct_details?.rate))} /></td>
        <td class="num p2"><Figure parts={bytesRate(sumOver(group, (one) => one.send_oct_details?.rate))} /></td>
        <td class="p2" />
      </tr>
      {isOpen && group.connections.map((one) => (
        <tr key={one.name} aria-selected={one.name === open ? true : undefined} class={one.name === open ? "cursor" : undefined}>
          <td class="fluid indent"><a class="name" href="#" title={one.name} onClick={(event) => { event.preventDefault(); setQuery({ open: one.name }); }}>{nameOfConnection(one)}</a></td>
          <td class="p2"><StateMark state={one.state ?? "running"} /></td>
          <td class="num">{wholeCount(one.channels ?? 0)}</td>
          <td class="num p2"><Figure parts={bytesRate(one.recv_oct_details?.rate)} /></td>
          <td class="num p2"><Figure parts={bytesRate(one.send_oct_details?.rate)} /></td>
          <td class="num p2"><Figure parts={roughAge(one.connected_at === undefined ? undefined : Date.now() - one.connected_at)} /></td>
        </tr>
      ))}
    </>
  );
}
