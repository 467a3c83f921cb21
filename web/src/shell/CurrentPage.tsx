import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Bones } from "../components/Bones";
import { Button } from "../components/Button";
import { Empty } from "../components/Empty";
import { PageHead } from "../components/PageHead";
import { loaderOf } from "../route/pages";
import { go, useAddress } from "../route/router";

/** The page of the address, loaded when it is first opened. */
export function CurrentPage() {
  const { segments } = useAddress();
  const first = segments[0] ?? "";
  const [page, setPage] = useState<{ first: string; view: ComponentType } | null>(null);
  const [isFailed, setFailed] = useState(false);
  useEffect(() => {
    setFailed(false);
    let isHere = true;
    loaderOf(first)?.().then(
      (view) => isHere && setPage({ first, view }),
      () => isHere && setFailed(true),
    );
    document.getElementById("main")?.scrollTo(0, 0);
    return () => {
      isHere = false;
    };
  }, [first]);
  if (loaderOf(first) === undefined) {
    return (
      <>
        <PageHead title="Not here" />
        <Empty icon="search" title="There is no such page" act={<Button onPress={() => go([])}>Go to the overview</Button>} />
      </>
    );
  }
  if (isFailed) {
    return (
      <Empty icon="bad" title="The page could not be loaded" act={<Button onPress={() => location.reload()}>Load it again</Button>}>
        The broker may have been upgraded since this tab was opened.
      </Empty>
    );
  }
  if (page === null || page.first !== first) return <Bones rows={8} />;
  const View = page.view;
  return <View />;
}
