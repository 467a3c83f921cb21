import { Bones } from "../../components/Bones";
import { Empty } from "../../components/Empty";
import { Failed } from "../../components/Failed";
import { IconButton } from "../../components/IconButton";
import { Note } from "../../components/Note";
import { Panel } from "../../components/Panel";
import { Snippet } from "../../components/Snippet";
import { copyText } from "../../state/clipboard";
import { useOverview } from "../../state/overview";
import { ALERTS, endpointsOf, PATHS, scrapeConfig } from "./scraping";

const SETTING = "management:\n  metrics_listeners:\n    - {address: \"0.0.0.0\", port: 15692}";

/** Where Prometheus gets the numbers, how it is told so, and what to be woken by. */
export function ScrapeTab() {
  const told = useOverview();
  const overview = told.data;
  const endpoints = endpointsOf(overview?.listeners ?? [], location.hostname);
  const first = endpoints[0];
  return (
    <>
      {overview === undefined ? (
        told.error ? <Failed what="The overview" error={told.error} /> : <Bones />
      ) : overview.listeners === undefined ? (
        <Empty icon="metrics" title="You do not see where metrics are served">The tag <code>monitoring</code> gives that right.</Empty>
      ) : first === undefined ? (
        <Empty icon="metrics" title="Metrics are off" act={<Snippet what="the setting" text={SETTING} />}>
          No listener serves them. The settings of the broker name one, and a start reads them.
        </Empty>
      ) : (
        <div class="body">
          <div class="grid2">
            <Panel title="Scrape it" note={endpoints.length === 1 ? "one endpoint" : `${endpoints.length} endpoints`}>
              <div class="pad stack">
                <Snippet what="the scrape configuration" text={scrapeConfig(endpoints, overview.cluster_name)} />
                {first.isLocal && <Note look="warn">Only this host is served. To let others scrape, the setting <code>metrics_listeners</code> names an address of the network.</Note>}
                <p class="sub">RabbitMQ's dashboards of Grafana work as they are: RabbitMQ-Overview (10991) and RabbitMQ-Stream (14798).</p>
              </div>
            </Panel>
            <Panel title="What each address shows" clip>
              <table class="table roomy wraps">
                <thead><tr><th class="fluid" scope="col">Address</th></tr></thead>
                <tbody>
                  {PATHS.map(({ path, what }) => (
                    <tr key={path}>
                      <td class="fluid">
                        <a class="mono" href={`${first.scheme}://${first.target}${path}`} target="_blank" rel="noreferrer">{path}</a>
                        <span class="pat">{what}</span>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Panel>
          </div>
          <Panel title="Alerts to begin with" note="rules of Prometheus" clip>
            <table class="table">
              <thead><tr><th scope="col">When</th><th class="fluid" scope="col">Expression</th><th scope="col"><span class="vh">Copy</span></th></tr></thead>
              <tbody>
                {ALERTS.map(({ when, rule }) => (
                  <tr key={when}>
                    <td>{when}</td>
                    <td class="fluid mono"><span title={rule}>{rule}</span></td>
                    <td><IconButton icon="copy" small label={`Copy the rule for: ${when}`} onPress={() => void copyText(rule, "the rule")} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Panel>
        </div>
      )}
    </>
  );
}
