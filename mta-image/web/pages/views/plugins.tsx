/** Native plugins: which engine has which, what it gives to scripts, what it costs, and whether it has crashed. */
import type { Overview } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Badge, Loading, PageHead, Problem, Silent } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { number } from "../format.ts";
import { language, t, word } from "../strings.ts";
import { useData } from "../use-data.ts";

type Plugin = Overview["engines"][number]["status"]["plugins"][number];
type Row = { readonly engine: string; readonly plugin: Plugin };

export function PluginsPage() {
  const { data, error } = useData(api.overview, "plugins", 5_000);
  const rows: Row[] =
    data?.engines.flatMap(({ name, status }) => status.plugins.map((plugin) => ({ engine: name, plugin }))) ??
    [];
  return (
    <>
      <PageHead title={t("plugins")} />
      <Problem text={error} />
      <Loading when={data === null && error === null} />
      <Silent failures={data?.failures} />
      {data !== null && <Plugins rows={rows} />}
    </>
  );
}

function Plugins({ rows }: { readonly rows: readonly Row[] }) {
  return (
    <SimpleTable
      label={t("plugins")}
      rows={rows}
      rowKey={({ engine, plugin }) => `${engine} ${plugin.id}`}
      columns={[
        { head: t("id"), cell: ({ plugin }) => <b>{plugin.id}</b> },
        { head: t("engine"), cell: ({ engine }) => engine },
        { head: t("state"), cell: State },
        { head: t("role"), cell: ({ plugin }) => plugin.roles?.join(", ") ?? "–" },
        { head: t("functions"), cell: Functions },
        { head: t("version"), cell: Version },
        { head: t("calls"), cell: ({ plugin }) => number(plugin.figures?.calls, language()), isNumber: true },
        {
          head: t("waiting"),
          cell: ({ plugin }) => number(plugin.figures?.suspended, language()),
          isNumber: true,
        },
        { head: t("blocked"), cell: Blocked, isNumber: true },
      ]}
    />
  );
}

function State({ plugin }: Row) {
  const { state, crashes = 0, figures } = plugin;
  return (
    <>
      <Badge tone={state === "present" ? "good" : "bad"}>{word(state)}</Badge>{" "}
      {crashes > 0 && <Badge tone="bad">{t("crashed", { count: crashes })}</Badge>}{" "}
      {(figures?.misuses ?? 0) > 0 && (
        <Badge tone="warn">{t("misused", { count: figures?.misuses ?? 0 })}</Badge>
      )}
    </>
  );
}

function Functions({ plugin }: Row) {
  const { functions = [] } = plugin;
  if (functions.length === 0) return <>–</>;
  return (
    <details>
      <summary>{functions.length}</summary>
      <code>{functions.join(", ")}</code>
    </details>
  );
}

function Version({ plugin }: Row) {
  return (
    <>
      <code title={plugin.path}>{plugin.sha256.slice(0, 12) || "–"}</code>
      {plugin.abiVersion !== undefined && <div class="muted">ABI {plugin.abiVersion}</div>}
    </>
  );
}

/** How often it held the event loop for too long, and for how long at most. */
function Blocked({ plugin: { figures } }: Row) {
  if (figures === undefined) return <>–</>;
  const { blockedCalls, longestMs } = figures;
  return <>{blockedCalls === 0 ? "0" : `${blockedCalls} (${Math.round(longestMs)} ms)`}</>;
}
