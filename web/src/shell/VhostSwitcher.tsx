import { request } from "../api/http";
import type { Vhost } from "../api/types";
import { Icon } from "../components/Icon";
import { Menu } from "../components/Menu";
import { MenuItem } from "../components/MenuItem";
import { cutMiddle } from "../format/names";
import { usePolled } from "../state/polling";
import { useStore } from "../state/store";
import { chosenVhost } from "../state/vhost";

const EVERY_MS = 30_000;

/** Which virtual host the lists show. */
export function VhostSwitcher() {
  const chosen = useStore(chosenVhost);
  const vhosts = usePolled("vhosts names", (signal) => request<Vhost[]>("GET", ["vhosts"], { query: { columns: "name" }, signal }), EVERY_MS);
  return (
    <Menu
      label="Virtual hosts"
      button={(attributes) => (
        <button class="switch" type="button" {...attributes}>
          <span class="k hide-s">Virtual host</span> <b title={chosen}>{chosen === "" ? "all" : cutMiddle(chosen, 24)}</b>
          <Icon name="down" small />
        </button>
      )}
    >
      {(close) => (
        <>
          <h3>Virtual host</h3>
          {["", ...(vhosts.data ?? []).map((vhost) => vhost.name)].map((name) => (
            <MenuItem
              key={name}
              {...(name === chosen ? { icon: "check" as const } : {})}
              onPress={() => { chosenVhost.set(name); close(); }}
            >
              {name === "" ? "all" : name}
            </MenuItem>
          ))}
        </>
      )}
    </Menu>
  );
}
