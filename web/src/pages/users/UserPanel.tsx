import { useState } from "preact/hooks";
import { ApiError, request } from "../../api/http";
import type { Permission, TopicPermission, User } from "../../api/types";
import { Bones } from "../../components/Bones";
import { Button } from "../../components/Button";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Failed } from "../../components/Failed";
import { Field } from "../../components/Field";
import { IconButton } from "../../components/IconButton";
import { Note } from "../../components/Note";
import { askAgain, usePolled } from "../../state/polling";
import { tagsOf } from "../../state/session";
import { say, sayFailed } from "../../state/toasts";
import { LimitsForm } from "../limits/LimitsForm";
import { PermissionDialog } from "./PermissionDialog";
import { RightsTester } from "./RightsTester";
import { TagChoice } from "./TagChoice";

/** One user: rights, tags, password, and the end. */
export function UserPanel({ name, onClose }: { name: string; onClose: () => void }) {
  const key = `users/${encodeURIComponent(name)}`;
  const told = usePolled(key, (signal) => request<User>("GET", ["users", name], { signal }), 15_000);
  const permissions = usePolled(`${key}/permissions`, (signal) => request<Permission[]>("GET", ["users", name, "permissions"], { signal }), 15_000);
  const topics = usePolled(`${key}/topic-permissions`, (signal) => request<TopicPermission[]>("GET", ["users", name, "topic-permissions"], { signal }), 15_000);
  const [isDoomed, setDoomed] = useState(false);
  const user = told.data;
  return (
    <section class="sidepanel" aria-label="User">
      <header>
        <h2 class="cut" title={name}>{name}</h2>
        <span class="push" />
        <IconButton icon="x" small label="Close (Esc)" onPress={onClose} />
      </header>
      <div class="in">
        {user === undefined ? (
          told.error ? <Failed what="The user" error={told.error} /> : <Bones />
        ) : (
          <>
            <Rights name={name} permissions={permissions.data ?? []} />
            {(topics.data ?? []).length > 0 && <Topics topics={topics.data ?? []} />}
            {(permissions.data ?? []).length > 0 && <RightsTester key={String(permissions.data?.length)} permissions={permissions.data ?? []} />}
            <Login user={user} />
            <div class="stack s">
              <h3>Limits</h3>
              <LimitsForm route="user-limits" name={name} known={user.limits ?? {}} mayEdit />
            </div>
            <div><Button look="outline-bad" icon="trash" onPress={() => setDoomed(true)}>Delete user…</Button></div>
          </>
        )}
      </div>
      {isDoomed && (
        <ConfirmDialog
          title={`Delete user ${name}`}
          losses={[
            { amount: (permissions.data ?? []).length, what: "virtual hosts that the user may enter" },
            { amount: "all", what: "connections of the user are closed" },
          ]}
          typed={name}
          act="Delete user"
          keep="Keep user"
          onClose={() => setDoomed(false)}
          onConfirm={async () => {
            await request("DELETE", ["users", name]);
            askAgain();
            say(`Deleted user ${name}`);
            onClose();
          }}
        />
      )}
    </section>
  );
}

function Rights({ name, permissions }: { name: string; permissions: readonly Permission[] }) {
  const [edited, setEdited] = useState<Permission | null>(null);
  const put = (permission: Permission): Promise<void> => {
    const { configure, write, read } = permission;
    return request("PUT", ["permissions", permission.vhost, name], { body: { configure, write, read } });
  };
  const revoke = async (permission: Permission): Promise<void> => {
    try {
      await request("DELETE", ["permissions", permission.vhost, name]);
      askAgain();
      say(`${name} may no longer enter ${permission.vhost}`, () => {
        put(permission).then(() => askAgain(), (error: unknown) => sayFailed("give the rights back", error));
      });
    } catch (error) {
      sayFailed("take the rights", error);
    }
  };
  return (
    <div>
      <div class="row between">
        <h3>Rights</h3>
        <button class="btn ghost s" type="button" onClick={() => setEdited({ user: name, vhost: "/", configure: ".*", write: ".*", read: ".*" })}>Give rights…</button>
      </div>
      {permissions.length === 0 && <Note look="warn">The user may enter no virtual host.</Note>}
      {permissions.map((permission) => (
        <dl key={permission.vhost} class="kv tight rights">
          <dt>virtual host</dt>
          <dd class="row">
            <b>{permission.vhost}</b>
            <span class="push" />
            <IconButton icon="edit" small label={`Change rights in ${permission.vhost}`} onPress={() => setEdited(permission)} />
            <IconButton icon="x" small label={`Take rights in ${permission.vhost}`} onPress={() => void revoke(permission)} />
          </dd>
          <dt>configure</dt><dd class="mono">{permission.configure || <span class="dim">nothing</span>}</dd>
          <dt>write</dt><dd class="mono">{permission.write || <span class="dim">nothing</span>}</dd>
          <dt>read</dt><dd class="mono">{permission.read || <span class="dim">nothing</span>}</dd>
        </dl>
      ))}
      {edited && <PermissionDialog permission={edited} onClose={() => setEdited(null)} />}
    </div>
  );
}

function Topics({ topics }: { topics: readonly TopicPermission[] }) {
  return (
    <div>
      <h3>Topics</h3>
      {topics.map((topic) => (
        <dl key={`${topic.vhost} ${topic.exchange}`} class="kv tight rights">
          <dt>exchange</dt><dd>{topic.exchange} <span class="dim">{topic.vhost}</span></dd>
          <dt>write</dt><dd class="mono">{topic.write}</dd>
          <dt>read</dt><dd class="mono">{topic.read}</dd>
        </dl>
      ))}
    </div>
  );
}

function Login({ user }: { user: User }) {
  const [password, setPassword] = useState("");
  const [tags, setTags] = useState<readonly string[]>(tagsOf(user.tags));
  const [fault, setFault] = useState("");
  const isChanged = password !== "" || tags.join() !== tagsOf(user.tags).join();
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    const secret = password === "" ? { password_hash: user.password_hash, hashing_algorithm: user.hashing_algorithm } : { password };
    try {
      await request("PUT", ["users", user.name], { body: { ...secret, tags: tags.join(",") } });
      askAgain();
      say(`Saved user ${user.name}`);
      setPassword("");
      setFault("");
    } catch (error) {
      setFault(error instanceof ApiError ? error.reason : String(error));
    }
  };
  return (
    <form class="stack" onSubmit={(event) => void save(event)}>
      <TagChoice tags={tags} onChange={setTags} />
      <Field label="New password" hint="empty keeps the one that is set" type="password" value={password} onInput={setPassword} autocomplete="new-password" />
      {fault !== "" && <Note look="bad">{fault}</Note>}
      <div><Button look="primary" submit disabled={!isChanged}>Save user</Button></div>
    </form>
  );
}
