import { waveLines } from "./waveLines";

const LINES = waveLines(37, 800, 165, 780);

/** The field beside the login: one wave that runs through all lines. */
export function Waves() {
  return (
    <svg viewBox="0 0 800 900" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      {LINES.map((line) => (
        <>
          <path class="art-f" d={`${line.path}V900H0z`} />
          <path class="art-l" d={line.path} opacity={line.opacity} />
        </>
      ))}
    </svg>
  );
}
