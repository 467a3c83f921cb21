/** How a state is drawn: never by colour alone. */
export interface StateLook {
  look: "running" | "idle" | "warn" | "blocked";
  shape: "disc" | "ring" | "triangle" | "square";
}

const WELL: StateLook = { look: "running", shape: "disc" };
const RESTING: StateLook = { look: "idle", shape: "ring" };
const CARE: StateLook = { look: "warn", shape: "triangle" };
const BROKEN: StateLook = { look: "blocked", shape: "square" };

const LOOKS: Record<string, StateLook> = {
  running: WELL,
  "in sync": WELL,
  up: WELL,
  on: WELL,
  "single active": WELL,
  idle: RESTING,
  paused: RESTING,
  off: RESTING,
  waiting: RESTING,
  flow: CARE,
  blocking: CARE,
  "out of sync": CARE,
  "catching up": CARE,
  "on a new disk": CARE,
  starting: CARE,
  minority: CARE,
  draining: CARE,
  leaving: CARE,
  "under-replicated": CARE,
  "at min_isr": CARE,
  "holds publishers": BROKEN,
  "no leader": BROKEN,
  closing: CARE,
  blocked: BROKEN,
  damaged: BROKEN,
  down: BROKEN,
  stopped: BROKEN,
  crashed: BROKEN,
  terminated: BROKEN,
  error: BROKEN,
};

/** The look of a state; one that is not known is told in words alone, with the mark of rest. */
export function markOf(state: string): StateLook {
  return LOOKS[state.split(" for ")[0] ?? state] ?? LOOKS[state] ?? RESTING;
}
