import { PageHead } from "../../components/PageHead";
import { Count } from "../../components/Figure";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { places } from "../../route/places";
import { href, useAddress } from "../../route/router";
import { useRights } from "../../state/rights";
import type { LimitRoute } from "./LimitsForm";

/** A row of `GET vhost-limits` or `GET user-limits`. */
interface Limits {
  vhost?: string;
  user?: string;
  value: Record<string, number>;
}

const nameOf = (limits: Limits): string => limits.vhost ?? limits.user ?? "";

function columnsOf(route: LimitRoute): readonly Column<Limits>[] {
  const isVhost = route === "vhost-limits";
  const limit = (id: string, title: string): Column<Limits> => ({
    id, title, label: title, isNumber: true, value: (row) => row.value[id], cell: (row) => <Count value={row.value[id]} missing="no limit" />,
  });
  return [
    { id: "name", title: isVhost ? "Virtual host" : "User", label: "Name", isFluid: true, value: nameOf, cell: (row) => <a class="name" href={isVhost ? places.vhost(nameOf(row)) : places.user(nameOf(row))}>{nameOf(row)}</a> },
    limit("max-connections", "Connections"),
    isVhost ? limit("max-queues", "Queues") : limit("max-channels", "Channels"),
  ];
}

/** What virtual hosts and users may have at most. Each is changed on its own page. */
export function LimitsPage() {
  const { query } = useAddress();
  const rights = useRights();
  const route: LimitRoute = query.kind === "users" ? "user-limits" : "vhost-limits";
  const isVhost = route === "vhost-limits";
  const whose = isVhost ? "virtual host" : "user";
  return (
    <>
      <PageHead
        title="Limits"
        tabs={[
          { title: "Of virtual hosts", href: href(["limits"]), isCurrent: isVhost },
          { title: "Of users", href: href(["limits"], { kind: "users" }), isCurrent: !isVhost },
        ]}
      />
      <ListView<Limits>
        key={route}
        id={route}
        what="limits"
        icon="lock"
        route={[route]}
        columns={columnsOf(route)}
        sort={[{ id: "name", isDown: false }]}
        nameOf={nameOf}
        keyOf={nameOf}
        placeholder="Name"
        empty={{
          title: `No ${whose} has a limit`,
          text: rights.isAdministrator
            ? <>The page of a <a href={href([isVhost ? "vhosts" : "users"])}>{whose}</a> sets how many connections and {isVhost ? "queues" : "channels"} it may have at most.</>
            : "An administrator sets them.",
        }}
        everyMs={15_000}
      />
    </>
  );
}
