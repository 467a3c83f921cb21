import { Icon } from "../components/Icon";
import { Menu } from "../components/Menu";
import { MenuItem } from "../components/MenuItem";
import { initials } from "../format/names";
import { logOut, type Account } from "../state/session";

export function UserMenu({ account }: { account: Account }) {
  const tags = account.tags.join(", ");
  return (
    <Menu
      label="User"
      atEnd
      button={(attributes) => (
        <button class="user" type="button" title={account.name} {...attributes}>
          <span class="avatar" aria-hidden="true">{initials(account.name)}</span>
          <span class="vh">{account.name}, {tags}</span>
          <Icon name="down" small class="dim" />
        </button>
      )}
    >
      {() => (
        <>
          <h3>{account.name}</h3>
          <p class="menu-note">{tags}</p>
          <hr />
          <MenuItem onPress={() => void logOut()}>Log out</MenuItem>
        </>
      )}
    </Menu>
  );
}
