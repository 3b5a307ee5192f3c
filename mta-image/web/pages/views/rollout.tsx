/**
 * Which engines run which revision, and how those of each do: what a canary is judged by. Beside it what the MailCluster says
 * of its roll-out and the buttons that order it; where they cannot be had, the commands that do the same.
 */
import type { Overview, SessionView } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Loading, PageHead, Problem, Silent } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { number } from "../format.ts";
import { language, t } from "../strings.ts";
import { useData } from "../use-data.ts";
import { RolloutOrders } from "./rollout-orders.tsx";

type Engine = Overview["engines"][number];

interface Row {
  readonly revision: string;
  readonly engines: readonly Engine[];
}

export function RolloutPage({ session }: { readonly session: SessionView }) {
  const { data, error } = useData(api.overview, "rollout", 3_000);
  const rows = data === null ? [] : byRevision(data.engines);
  return (
    <>
      <PageHead title={t("rollout")} />
      <Problem text={error} />
      <Loading when={data === null && error === null} />
      {data !== null && (
        <>
          <Silent failures={data.failures} />
          <p>{rows.length <= 1 ? t("rolloutDone") : t("rolloutUnder", { count: rows.length })}</p>
          <Revisions rows={rows} />
          <RolloutOrders session={session} />
        </>
      )}
    </>
  );
}

function Revisions({ rows }: { readonly rows: readonly Row[] }) {
  const add =
    (read: (status: Engine["status"]) => number) =>
    ({ engines }: Row) =>
      number(
        engines.reduce((sum, { status }) => sum + read(status), 0),
        language(),
      );
  return (
    <SimpleTable
      label={t("revisions")}
      rows={rows}
      rowKey={({ revision }) => revision}
      columns={[
        { head: t("revision"), cell: ({ revision }) => <code>{revision}</code> },
        { head: t("engines"), cell: ({ engines }) => engines.map(({ name }) => name).join(", ") },
        { head: t("delivered"), cell: add(({ totals }) => totals.delivered), isNumber: true },
        { head: t("deferred"), cell: add(({ totals }) => totals.deferred), isNumber: true },
        { head: t("failed"), cell: add(({ totals }) => totals.failed), isNumber: true },
        { head: t("share"), cell: ({ engines }) => failureShare(engines), isNumber: true },
      ]}
    />
  );
}

/** Those with fewest engines last: the canary. */
export function byRevision(engines: readonly Engine[]): Row[] {
  const rows = new Map<string, Engine[]>();
  for (const engine of engines) {
    const { revision } = engine.status;
    rows.set(revision, [...(rows.get(revision) ?? []), engine]);
  }
  return [...rows]
    .map(([revision, of]) => ({ revision, engines: of }))
    .sort((a, b) => b.engines.length - a.engines.length);
}

export function failureShare(engines: readonly Engine[]): string {
  let failed = 0;
  let all = 0;
  for (const { status } of engines) {
    failed += status.totals.failed;
    all += status.totals.failed + status.totals.delivered;
  }
  return all === 0 ? "–" : `${((failed / all) * 100).toFixed(1)} %`;
}
