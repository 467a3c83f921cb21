import { useState } from "preact/hooks";
import type { User } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Button } from "../../components/Button";
import { PageHead } from "../../components/PageHead";
import type { Column } from "../../list/column";
import { ListView } from "../../list/ListView";
import { setQuery, useAddress, href } from "../../route/router";
import { tagsOf } from "../../state/session";
import { AddUserDialog } from "./AddUserDialog";
import { UserPanel } from "./UserPanel";

const COLUMNS: readonly Column<User>[] = [
  { id: "name", title: "User", label: "User", isFluid: true, serverKey: "name", value: (user) => user.name, cell: (user) => <a class="name" href={href(["users"], { open: user.name })}>{user.name}</a> },
  { id: "tags", title: "Tags", label: "Tags", word: "tag", value: (user) => tagsOf(user.tags).join(", "), cell: (user) => <Tags tags={tagsOf(user.tags)} /> },
  { id: "password", title: "Password", label: "Password", width: "p2", class: "sub", word: "password", value: (user) => (user.password_hash === "" ? "none" : "set"), cell: (user) => (user.password_hash === "" ? <span class="dim" title="logs in with a certificate or not at all">none</span> : "set") },
  { id: "hash", title: "Hashed with", label: "Hashed with", width: "p3", class: "sub", isExtra: true, value: (user) => user.hashing_algorithm, cell: (user) => user.hashing_algorithm?.replace("rabbit_password_hashing_", "") },
  { id: "limits", title: "Limits", label: "Limits", width: "p2", class: "sub", value: (user) => limitsOf(user), cell: (user) => limitsOf(user) || <span class="dim" title="no limits">–</span> },
];

/** Users, their tags and rights. */
export function UsersPage() {
  const { query } = useAddress();
  const [isAdd, setAdd] = useState(false);
  return (
    <>
      <PageHead title="Users and rights" acts={<Button look="primary" icon="plus" onPress={() => setAdd(true)}>Add user</Button>} />
      <div class={query.open ? "split narrow" : "split whole"}>
        <div class="col">
          <ListView<User>
            id="users"
            what="users"
            icon="users"
            route={["users"]}
            columns={COLUMNS}
            sort={[{ id: "name", isDown: false }]}
            nameOf={(user) => user.name}
            keyOf={(user) => user.name}
            placeholder="Name, or  tag:administrator"
            onOpen={(user) => setQuery({ open: user.name })}
            empty={{ title: "There is no user", text: "Without a user nobody logs in." }}
            everyMs={15_000}
          />
        </div>
        {query.open && <UserPanel key={query.open} name={query.open} onClose={() => setQuery({ open: undefined })} />}
      </div>
      {isAdd && <AddUserDialog onClose={() => setAdd(false)} />}
    </>
  );
}

export function Tags({ tags }: { tags: readonly string[] }) {
  if (tags.length === 0) return <span class="dim" title="no tag: no web UI, no HTTP API">–</span>;
  return <span class="row">{tags.map((tag) => <Badge key={tag} {...(tag === "administrator" ? { look: "info" as const } : {})}>{tag}</Badge>)}</span>;
}

function limitsOf(user: User): string {
  return Object.entries(user.limits ?? {}).map(([name, value]) => `${name} ${String(value)}`).join(", ");
}
