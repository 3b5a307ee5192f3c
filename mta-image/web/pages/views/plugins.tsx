/** Native plugins: which engine has which, with the state that it reports. */
import type { Overview } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Badge, Loading, PageHead, Problem, Silent } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { t } from "../strings.ts";
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
        {
          head: t("state"),
          cell: ({ plugin }) => <Badge tone={isWell(plugin.state) ? "good" : "bad"}>{plugin.state}</Badge>,
        },
        { head: t("files"), cell: ({ plugin }) => <code>{plugin.path}</code> },
        { head: t("version"), cell: ({ plugin }) => <code>{plugin.sha256.slice(0, 16) || "–"}</code> },
        { head: t("detail"), cell: ({ plugin }) => <Further plugin={plugin} /> },
      ]}
    />
  );
}

function isWell(state: string): boolean {
  return state === "present" || state === "running" || state === "loaded";
}

const shown = new Set(["id", "path", "state", "sha256"]);

/** What an engine tells beyond that: functions, roles, why it failed. */
function Further({ plugin }: { readonly plugin: Plugin }) {
  const further = Object.entries(plugin).filter(
    ([key, value]) => !shown.has(key) && value !== null && value !== "",
  );
  return (
    <>
      {further.map(([key, value]) => (
        <div key={key}>
          <span class="muted">{key}</span>{" "}
          {Array.isArray(value)
            ? value.join(", ")
            : typeof value === "object"
              ? JSON.stringify(value)
              : String(value)}
        </div>
      ))}
    </>
  );
}
