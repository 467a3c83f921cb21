import { useEffect, useState } from "preact/hooks";
import { Button } from "../../components/Button";
import { Icon } from "../../components/Icon";
import { IconButton } from "../../components/IconButton";
import { inputType } from "../../components/inputType";
import { Mark } from "../../components/Mark";
import { logIn } from "../../state/session";
import { Waves } from "./Waves";

/** The way in. The password is kept nowhere. */
export function LoginPage({ fault }: { fault: string }) {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [isSeen, setSeen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    document.title = "Log in · HareMQ";
  }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    await logIn(user, password);
    setBusy(false);
  };
  return (
    <main class="login" id="main">
      <div class="form">
        <form onSubmit={(event) => void submit(event)}>
          <Mark large />
          <div>
            <h1>Log in to HareMQ</h1>
            <p class="sub mt">{location.host}</p>
          </div>
          <div class="field">
            <label for="login-user">User</label>
            <span class="input lg">
              <input
                id="login-user"
                name="username"
                autocomplete="username"
                autofocus
                required
                value={user}
                onInput={(event) => setUser(event.currentTarget.value)}
              />
            </span>
          </div>
          <div class="field">
            <label for="login-password">Password</label>
            <span class={fault ? "input lg invalid" : "input lg"}>
              <input
                id="login-password"
                name="password"
                {...inputType(isSeen ? "text" : "password")}
                autocomplete="current-password"
                value={password}
                aria-invalid={fault ? true : undefined}
                aria-describedby={fault ? "login-fault" : undefined}
                onInput={(event) => setPassword(event.currentTarget.value)}
              />
              <IconButton icon="eye" label="Show password" small pressed={isSeen} onPress={() => setSeen(!isSeen)} />
            </span>
            {fault && <span class="err" id="login-fault" role="alert"><Icon name="bad" small />{fault}</span>}
          </div>
          <Button look="primary" class="wide" submit disabled={isBusy}>Log in</Button>
        </form>
        <p class="legal">Nothing is kept in this browser but a session cookie.</p>
      </div>
      <div class="field-art"><Waves /></div>
    </main>
  );
}
