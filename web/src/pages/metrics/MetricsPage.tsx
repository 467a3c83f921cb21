import { PageHead } from "../../components/PageHead";
import { href, useAddress } from "../../route/router";
import { ExploreTab } from "./ExploreTab";
import { ScrapeTab } from "./ScrapeTab";

/** Every number that the node tells, and how Prometheus gets them. */
export function MetricsPage() {
  const { query } = useAddress();
  const isScrape = query.tab === "scrape";
  return (
    <>
      <PageHead
        title="Metrics"
        of={isScrape ? "for Prometheus" : "as the node tells them now"}
        tabs={[
          { title: "Explore", href: href(["metrics"]), isCurrent: !isScrape },
          { title: "For Prometheus", href: href(["metrics"], { tab: "scrape" }), isCurrent: isScrape },
        ]}
      />
      {isScrape ? <ScrapeTab /> : <ExploreTab />}
    </>
  );
}
