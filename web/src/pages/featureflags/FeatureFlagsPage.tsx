import { request } from "../../api/http";
import { Badge } from "../../components/Badge";
import { Button } from "../../components/Button";
import { PageHead } from "../../components/PageHead";
import { StateMark } from "../../components/StateMark";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { href, useAddress } from "../../route/router";
import { askAgain } from "../../state/polling";
import { useRights } from "../../state/rights";
import { say, sayFailed } from "../../state/toasts";

/** A feature flag, as `GET feature-flags` tells it. */
interface Flag {
  name: string;
  state: string;
  stability?: string;
  desc?: string;
  provided_by?: string;
}

/** A feature that will go, as `GET deprecated-features` tells it. */
interface Deprecated {
  name: string;
  deprecation_phase: string;
  state?: string;
  desc?: string;
  provided_by?: string;
}

const WORDS: Record<string, string> = { enabled: "on", disabled: "off", state_changing: "starting", unavailable: "down" };
const wordOf = (flag: Flag): string => WORDS[flag.state] ?? flag.state;

/** What a cluster may do once all of its nodes can, and what will go. */
export function FeatureFlagsPage() {
  const { query } = useAddress();
  const isDeprecated = query.kind === "deprecated";
  return (
    <>
      <PageHead
        title="Feature flags"
        tabs={[
          { title: "Flags", href: href(["feature-flags"]), isCurrent: !isDeprecated },
          { title: "Deprecated features", href: href(["feature-flags"], { kind: "deprecated" }), isCurrent: isDeprecated },
        ]}
      />
      {isDeprecated ? <DeprecatedList /> : <FlagList />}
    </>
  );
}

function FlagList() {
  const rights = useRights();
  const enable = async (flag: Flag): Promise<void> => {
    try {
      await request("PUT", ["feature-flags", flag.name, "enable"]);
      askAgain();
      say(`Switched ${flag.name} on`);
    } catch (error) {
      sayFailed(`switch ${flag.name} on`, error);
    }
  };
  const columns: readonly Column<Flag>[] = [
    { id: "name", title: "Flag", label: "Flag", isFluid: true, value: (flag) => flag.name, cell: (flag) => <><span class="name">{flag.name}</span> <span class="dim hide-s">{flag.desc}</span></> },
    {
      id: "state", title: "State", label: "State", word: "state", value: wordOf,
      cell: (flag) => (flag.state === "disabled" && rights.isAdministrator ? <Button look="s" onPress={() => void enable(flag)}>Switch on</Button> : <StateMark state={wordOf(flag)} />),
    },
    { id: "stability", title: "Stability", label: "Stability", width: "p2", word: "stability", value: (flag) => flag.stability, cell: (flag) => (flag.stability === "experimental" ? <Badge look="warn">experimental</Badge> : flag.stability ?? <span class="dim">–</span>) },
    { id: "by", title: "Of", label: "Provided by", width: "p2", class: "sub", value: (flag) => flag.provided_by, cell: (flag) => flag.provided_by ?? <span class="dim">–</span> },
  ];
  return (
    <ListView<Flag>
      id="feature-flags"
      what="flags"
      icon="flag"
      route={["feature-flags"]}
      columns={columns}
      sort={[{ id: "name", isDown: false }]}
      nameOf={(flag) => `${flag.name} ${flag.desc ?? ""}`}
      keyOf={(flag) => flag.name}
      placeholder="Name, or  state:off"
      empty={{ title: "There are no feature flags", text: "Everything that this broker can do is always on." }}
      everyMs={60_000}
    />
  );
}

const DEPRECATED: readonly Column<Deprecated>[] = [
  { id: "name", title: "Feature", label: "Feature", isFluid: true, value: (one) => one.name, cell: (one) => <><span class="name">{one.name}</span> <span class="dim hide-s">{one.desc}</span></> },
  { id: "phase", title: "Phase", label: "Phase", value: (one) => one.deprecation_phase, cell: (one) => one.deprecation_phase.replaceAll("_", " ") },
  { id: "state", title: "Now", label: "Now", width: "p2", value: (one) => one.state, cell: (one) => one.state ?? <span class="dim">–</span> },
  { id: "by", title: "Of", label: "Provided by", width: "p2", class: "sub", value: (one) => one.provided_by, cell: (one) => one.provided_by ?? <span class="dim">–</span> },
];

function DeprecatedList() {
  return (
    <ListView<Deprecated>
      id="deprecated-features"
      what="deprecated features"
      icon="flag"
      route={["deprecated-features"]}
      columns={DEPRECATED}
      sort={[{ id: "name", isDown: false }]}
      nameOf={(one) => `${one.name} ${one.desc ?? ""}`}
      keyOf={(one) => one.name}
      placeholder="Name"
      empty={{ title: "Nothing here will go", text: "No feature of this broker is deprecated." }}
      everyMs={60_000}
    />
  );
}
