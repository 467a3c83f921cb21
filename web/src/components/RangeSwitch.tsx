import { chooseRange, paused, range, RANGES } from "../state/range";
import { useStore } from "../state/store";
import { IconButton } from "./IconButton";
import { Segmented } from "./Segmented";

/** The range that all charts of a page share, and the pause. */
export function RangeSwitch() {
  const chosen = useStore(range);
  const stands = useStore(paused);
  return (
    <>
      <Segmented label="Time range" choices={RANGES} chosen={chosen.id} onChoose={chooseRange} />
      <IconButton
        icon={stands ? "play" : "pause"}
        label={stands ? "Go on (Space)" : "Pause (Space)"}
        class="hide-s"
        onPress={() => paused.set(!stands)}
      />
    </>
  );
}
