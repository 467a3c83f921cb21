import { useState } from "preact/hooks";
import { request } from "../../api/http";
import { Bones } from "../../components/Bones";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Empty } from "../../components/Empty";
import { Count } from "../../components/Figure";
import { IconButton } from "../../components/IconButton";
import { PageHead } from "../../components/PageHead";
import { StateMark } from "../../components/StateMark";
import { cutMiddle } from "../../format/names";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { setQuery, useAddress } from "../../route/router";
import { areKnown, useCapability } from "../../state/capabilities";
import { askAgain } from "../../state/polling";
import { useRights } from "../../state/rights";
import { useStore } from "../../state/store";
import { say, sayFailed } from "../../state/toasts";
import { chosenVhost } from "../../state/vhost";
import { endAddress, endName, endText, hostOf, type End, type Shovel } from "./shovel";
import { ShovelDialog, type SavedShovel } from "./ShovelDialog";

const WHAT = "A shovel is a client inside the broker: it takes messages from a queue or an exchange, here or on another broker, and publishes them somewhere else. It connects anew by itself, and with acknowledgements it loses none.";
const UNSEEN = "it takes the tag monitoring to see it";
const missing = (what: string) => <span class="dim" title={what}>–</span>;

/** One end in a row: its name, and on which host that is not this broker. */
function EndCell({ shovel, end }: { shovel: Shovel; end: End }) {
  const [name, address] = [endName(shovel, end), endAddress(shovel, end)];
  return (
    <span title={endText(shovel, end)}>
      {name === "" ? <span class="dim">as they came</span> : cutMiddle(name, 20)}
      {address !== "" && <span class="dim"> at {cutMiddle(hostOf(address), 18)}</span>}
    </span>
  );
}

/** Shovels: what each moves, from where to where, and whether it runs. */
export function ShovelsPage() {
  const isKnown = useStore(areKnown);
  const isThere = useCapability("GET shovels");
  const vhost = useStore(chosenVhost);
  const rights = useRights();
  const { query } = useAddress();
  const [doomed, setDoomed] = useState<Shovel | null>(null);
  const [edited, setEdited] = useState<SavedShovel | null>(null);
  const add = (): void => setQuery({ new: "shovel" });
  const edit = async (shovel: Shovel): Promise<void> => {
    try {
      setEdited(await request<SavedShovel>("GET", ["parameters", "shovel", shovel.vhost, shovel.name]));
    } catch (error) {
      sayFailed(`read ${shovel.name}`, error);
    }
  };
  const restart = async (shovel: Shovel): Promise<void> => {
    try {
      await request("DELETE", ["shovels", "vhost", shovel.vhost, shovel.name, "restart"]);
      askAgain();
      say(`Restarted ${shovel.name}`);
    } catch (error) {
      sayFailed(`restart ${shovel.name}`, error);
    }
  };
  const mayChange = rights.setsPolicies && !rights.isReadOnly;
  // How shovels are is for who monitors; who sets policies sees how they are defined.
  const told = rights.seesAll ? ["shovels"] : ["parameters", "shovel"];
  const columns: readonly Column<Shovel>[] = [
    {
      id: "name", title: "Shovel", label: "Shovel", isFluid: true, value: (one) => one.name,
      cell: (one) => (
        <>
          <span class="name" title={one.name}>{cutMiddle(one.name, 48)}</span>
          <span class="meta">{one.state && <StateMark state={one.state} />}<span class="cut">{endText(one, "src")} to {endText(one, "dest") || "where each came from"}</span></span>
          {one.reason && <span class="warn hide-s" title={one.reason}> {cutMiddle(one.reason, 40)}</span>}
        </>
      ),
    },
    { id: "vhost", title: "Virtual host", label: "Virtual host", width: "p3", class: "sub", word: "vhost", value: (one) => one.vhost, cell: (one) => one.vhost },
    { id: "state", title: "State", label: "State", width: "p2", word: "state", value: (one) => one.state ?? "", cell: (one) => (one.state ? <StateMark state={one.state} title={one.reason} /> : missing(UNSEEN)) },
    { id: "from", title: "From", label: "From", width: "p2", word: "from", value: (one) => endText(one, "src"), cell: (one) => <EndCell shovel={one} end="src" /> },
    { id: "to", title: "To", label: "To", width: "p2", word: "to", value: (one) => endText(one, "dest"), cell: (one) => <EndCell shovel={one} end="dest" /> },
    { id: "forwarded", title: "Moved", label: "Moved", isNumber: true, word: "moved", value: (one) => one.forwarded, cell: (one) => <Count value={one.forwarded} missing={UNSEEN} /> },
    { id: "since", title: "Since", label: "Since", width: "p3", class: "sub", value: (one) => one.timestamp ?? "", cell: (one) => one.timestamp ?? missing(UNSEEN) },
    ...(mayChange ? [{
      id: "acts", title: <span class="vh">Acts</span>, label: "Acts", isUnsortable: true, value: () => "",
      cell: (one: Shovel) => (
        <span class="row">
          {one.type !== "static" && <IconButton icon="edit" small label={`Edit ${one.name}…`} onPress={() => void edit(one)} />}
          <IconButton icon="refresh" small label={`Restart ${one.name}`} onPress={() => void restart(one)} />
          <IconButton icon="trash" small label={`Delete ${one.name}…`} onPress={() => setDoomed(one)} />
        </span>
      ),
    }] : []),
  ];
  if (!isKnown) return <><PageHead title="Shovels" /><Bones /></>;
  if (!isThere) {
    return (
      <>
        <PageHead title="Shovels" />
        <Empty icon="shovel" title="This broker has no shovels">{WHAT}</Empty>
      </>
    );
  }
  return (
    <>
      <PageHead title="Shovels" acts={mayChange && <Button look="primary" icon="plus" onPress={add}>Add shovel</Button>} />
      <ListView<Shovel>
        id="shovels"
        what="shovels"
        icon="shovel"
        route={vhost === "" ? told : [...told, vhost]}
        columns={columns}
        sort={[{ id: "name", isDown: false }]}
        nameOf={(one) => `${one.name} ${endText(one, "src")} ${endText(one, "dest")}`}
        keyOf={(one) => `${one.vhost} ${one.name}`}
        placeholder="Name, or  state:terminated  from:orders"
        empty={{
          title: "There is no shovel",
          text: WHAT,
          act: mayChange && <Button icon="plus" onPress={add}>Add shovel</Button>,
        }}
      />
      {query.new === "shovel" && mayChange && <ShovelDialog saved={null} vhost={vhost === "" ? "/" : vhost} onClose={() => setQuery({ new: undefined })} />}
      {edited && <ShovelDialog saved={edited} vhost={edited.vhost} onClose={() => setEdited(null)} />}
      {doomed && (
        <ConfirmDialog
          title={`Delete ${doomed.name}`}
          losses={[{ amount: "1", what: <>shovel stops; what it did not move stays in {endText(doomed, "src")}</> }]}
          typed=""
          act="Delete shovel"
          keep="Keep shovel"
          onClose={() => setDoomed(null)}
          onConfirm={async () => {
            await request("DELETE", ["shovels", "vhost", doomed.vhost, doomed.name]);
            askAgain();
            say(`Deleted ${doomed.name}`);
          }}
        />
      )}
    </>
  );
}
