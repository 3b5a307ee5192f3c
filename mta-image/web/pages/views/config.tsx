/** The configuration in force, by revision, and what differs between two of them. It is looked at here, not changed. */
import { diffLines } from "diff";
import { useState } from "preact/hooks";

import type { ClusterConfig } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Choice, Loading, PageHead, Problem, Silent } from "../components/parts.tsx";
import { t } from "../strings.ts";
import { useData } from "../use-data.ts";

type Revision = ClusterConfig["revisions"][number];

export function ConfigPage() {
  const { data, error } = useData(api.config, "config");
  return (
    <>
      <PageHead title={t("config")} />
      <p class="muted">{t("configNote")}</p>
      <Problem text={error} />
      <Loading when={data === null && error === null} />
      {data !== null && (
        <>
          <Silent failures={data.failures} />
          <Revisions revisions={data.revisions} />
        </>
      )}
    </>
  );
}

function Revisions({ revisions }: { readonly revisions: readonly Revision[] }) {
  const [first] = revisions;
  const [chosen, choose] = useState(first?.revision ?? "");
  const [other, compare] = useState("");
  const [file, setFile] = useState("smtpd-app.yaml");
  const revision = revisions.find((each) => each.revision === chosen) ?? first;
  if (revision === undefined) return <p>{t("noEngines")}</p>;
  const before = revisions.find((each) => each.revision === other);
  const named = revisions.map(
    (each) => [each.revision, `${each.revision.slice(0, 20)} (${each.engines.length})`] as const,
  );
  const text = revision.files[file] ?? "";
  return (
    <>
      <div class="filter-line">
        <Choice
          name="revision"
          label="revision"
          value={revision.revision}
          onChange={choose}
          options={named}
        />
        <Choice
          name="file"
          label="files"
          value={file}
          onChange={setFile}
          options={Object.keys(revision.files).map((name) => [name, name] as const)}
        />
        <Choice
          name="between"
          label="between"
          value={other}
          onChange={compare}
          options={[["", "–"] as const, ...named.filter(([name]) => name !== revision.revision)]}
        />
      </div>
      <p>
        {t("engines")}: {revision.engines.join(", ")}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre class="source" tabIndex={0}>
        {before === undefined ? text : <Difference before={before.files[file] ?? ""} after={text} />}
      </pre>
    </>
  );
}

function Difference({ before, after }: { readonly before: string; readonly after: string }) {
  if (before === after) return <>{t("noDifference")}</>;
  return (
    <>
      {diffLines(before, after).map(({ value, added, removed }, at) => {
        const sign = added === true ? "+" : removed === true ? "-" : " ";
        const lines = value.replace(/\n$/, "").split("\n");
        const text = lines.map((line) => `${sign} ${line}\n`).join("");
        const key = `${at} ${sign}`;
        if (sign === "+") return <ins key={key}>{text}</ins>;
        return sign === "-" ? <del key={key}>{text}</del> : <span key={key}>{text}</span>;
      })}
    </>
  );
}
