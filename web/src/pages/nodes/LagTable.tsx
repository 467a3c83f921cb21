import { Count } from "../../components/Figure";
import { barsOf, type LoopLag } from "./loopLag";

/** The classes of lag as a table. */
export function LagTable({ lag }: { lag: LoopLag }) {
  let below = 0;
  return (
    <div class="scroll chart-table" tabIndex={0} role="region" aria-label="Classes of lag">
      <table class="table">
        <thead>
          <tr><th class="fluid" scope="col">Lag</th><th class="num" scope="col">Probes</th><th class="num" scope="col">With all less late</th><th scope="col">In it</th></tr>
        </thead>
        <tbody>
          {barsOf(lag).map((bar) => {
            below += bar.count;
            return (
              <tr key={bar.title}>
                <td class="fluid">{bar.range}</td>
                <td class={bar.isLong && bar.count > 0 ? "num hot" : "num"}><Count value={bar.count} /></td>
                <td class="num"><Count value={below} /></td>
                <td class="sub">{bar.marks.join(", ") || <span class="dim">–</span>}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
