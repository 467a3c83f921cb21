import { session } from "../state/session";
import { useStore } from "../state/store";
import { LoginPage } from "../pages/login/LoginPage";
import { Shell } from "./Shell";

/** The login, or the frame with a page in it. */
export function App() {
  const known = useStore(session);
  if (known.state === "asking") return null;
  if (known.state === "out") return <LoginPage fault={known.error} />;
  return <Shell account={known.account} />;
}
