/** The cluster at a glance: totals, charts of the last hour, every engine with what it does. */
import type { Overview, Series } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Chart } from "../components/chart.tsx";
import { Badge, Figure, Loading, PageHead, Problem, Silent, type Tone } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { duration, number, secondsUntil } from "../format.ts";
import { placeHref } from "../location.ts";
import { language, t, word } from "../strings.ts";
import { useData } from "../use-data.ts";

/** With the three seconds that an engine has for its answer, one that is gone shows within four. */
const EVERY_MS = 1_000;

type Engine = Overview["engines"][number];
/** An engine that does not answer stands in the table too, with nothing known of it. */
type Row = { readonly name: string; readonly status: Engine["status"] | null };

export function OverviewPage() {
  const { data, error } = useData(api.overview, "overview", EVERY_MS);
  const series = useData(api.series, "series", 5_000);
  return (
    <>
      <PageHead title={t("overview")} />
      <Problem text={error} />
      <Loading when={data === null && error === null} />
      {data !== null && (
        <>
          <Silent failures={data.failures} />
          <Totals engines={data.engines} />
          <Charts points={series.data?.points ?? []} />
          <Engines rows={rowsOf(data)} />
        </>
      )}
    </>
  );
}

function rowsOf({ engines, failures }: Overview): Row[] {
  return [...engines, ...failures.map(({ engine }) => ({ name: engine, status: null }))];
}

function Totals({ engines }: { readonly engines: readonly Engine[] }) {
  const add = (read: (engine: Engine["status"]) => number): string =>
    engines.length === 0
      ? number(null, language())
      : number(
          engines.reduce((sum, { status }) => sum + read(status), 0),
          language(),
        );
  const oldest = Math.max(0, ...engines.map(({ status }) => status.queue.oldestDueSeconds));
  return (
    <dl class="figures">
      <Figure label={t("queue")} value={add(({ queue }) => queue.total)} />
      <Figure label={t("active")} value={add(({ queue }) => queue.active)} />
      <Figure label={t("deferred")} value={add(({ queue }) => queue.deferred)} />
      <Figure label={t("held")} value={add(({ queue }) => queue.hold)} />
      <Figure
        label={t("oldestDue")}
        value={duration(oldest)}
        {...(oldest > 300 ? { tone: "warn" as const } : {})}
      />
      <Figure label={t("sessions")} value={add(({ sessions }) => sessions)} />
      <Figure label={t("connections")} value={add(({ deliveries }) => deliveries)} />
    </dl>
  );
}

function Charts({ points }: { readonly points: Series["points"] }) {
  const at = points.map((point) => point.at);
  return (
    <div class="charts">
      <Chart
        title={t("queueByState")}
        at={at}
        lines={[
          { label: t("active"), colour: "good", values: points.map(({ active }) => active) },
          { label: t("deferred"), colour: "warn", values: points.map(({ deferred }) => deferred) },
          { label: t("held"), colour: "accent", values: points.map(({ hold }) => hold) },
        ]}
      />
      <Chart
        title={t("rates")}
        at={at}
        lines={[
          { label: t("accepted"), colour: "accent", values: points.map(({ accepted }) => accepted) },
          { label: t("delivered"), colour: "good", values: points.map(({ delivered }) => delivered) },
          { label: t("deferrals"), colour: "warn", values: points.map(({ deferrals }) => deferrals) },
          { label: t("failed"), colour: "bad", values: points.map(({ failed }) => failed) },
        ]}
      />
    </div>
  );
}

const tones: Readonly<Record<string, Tone>> = {
  Serving: "good",
  Cordoned: "warn",
  Draining: "warn",
  Stopping: "bad",
};

function Engines({ rows }: { readonly rows: readonly Row[] }) {
  const figure =
    (read: (status: Engine["status"]) => number) =>
    ({ status }: Row) =>
      number(status === null ? null : read(status), language());
  return (
    <section>
      <h2>{t("engines")}</h2>
      <SimpleTable
        label={t("engines")}
        rows={rows}
        rowKey={({ name }) => name}
        columns={[
          { head: t("engine"), cell: ({ name }) => <b>{name}</b> },
          { head: t("state"), cell: State },
          { head: t("active"), cell: figure(({ queue }) => queue.active), isNumber: true },
          { head: t("deferred"), cell: figure(({ queue }) => queue.deferred), isNumber: true },
          { head: t("held"), cell: figure(({ queue }) => queue.hold), isNumber: true },
          {
            head: t("oldestDue"),
            cell: ({ status }) => (status === null ? "–" : duration(status.queue.oldestDueSeconds)),
            isNumber: true,
          },
          { head: t("delivered"), cell: figure(({ totals }) => totals.delivered), isNumber: true },
          { head: t("failed"), cell: figure(({ totals }) => totals.failed), isNumber: true },
          { head: t("revision"), cell: ({ status }) => <code>{status?.revision.slice(0, 12) ?? "–"}</code> },
          {
            head: t("startedAt"),
            cell: ({ status }) =>
              status === null ? "–" : duration(-secondsUntil(status.startedAt, Date.now())),
          },
        ]}
      />
      <p>
        <a href={placeHref("queue")}>{t("queue")}</a>
      </p>
    </section>
  );
}

function State({ status }: Row) {
  if (status === null) return <Badge tone="bad">{t("silent")}</Badge>;
  if (status.spoolClosed !== null) return <Badge tone="bad">{status.spoolClosed}</Badge>;
  return <Badge tone={tones[status.state] ?? "bad"}>{word(status.state)}</Badge>;
}
