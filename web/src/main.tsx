import { render } from "preact";
import "./styles/index.css";
import { startRouter } from "./route/router";
import { App } from "./shell/App";
import { startClock } from "./state/clock";
import { startKeys } from "./state/keys";
import { startSession } from "./state/session";
import { followTheme } from "./state/theme";

followTheme();
startRouter();
startClock();
startKeys();
void startSession();

const place = document.getElementById("app");
if (place !== null) render(<App />, place);
