/**
 * The configuration in force by revision, its scripts each by itself, and what differs between two revisions. A change can be
 * thought through here (proposal.tsx); nothing is written.
 */
import { diffLines } from "diff";
import { useState } from "preact/hooks";

import type { ClusterConfig } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Choice, Loading, PageHead, Problem, Silent } from "../components/parts.tsx";
import { t } from "../strings.ts";
import { useData } from "../use-data.ts";
import { type Edits, Proposal, textOf } from "./proposal.tsx";

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
  const [name, setName] = useState("smtpd-app.yaml");
  const [edits, edit] = useState<Edits | null>(null);
  const revision = revisions.find((each) => each.revision === chosen) ?? first;
  if (revision === undefined) return <p>{t("noEngines")}</p>;
  const before = revisions.find((each) => each.revision === other);
  const choices = { revisions, revision, name, other, choose, compare, setName };
  return (
    <>
      <Choices {...choices} isFixed={edits !== null} />
      <p>
        {t("engines")}: {revision.engines.join(", ")}
      </p>
      <p class="buttons">
        <button type="button" onClick={() => edit(edits === null ? {} : null)}>
          {t(edits === null ? "propose" : "proposalLeave")}
        </button>
      </p>
      {edits === null ? (
        <Source text={textOf(revision, name)} before={before === undefined ? null : textOf(before, name)} />
      ) : (
        <Proposal revision={revision} name={name} edits={edits} onEdit={edit} />
      )}
    </>
  );
}

/** While something is edited it is edited of one revision. */
function Choices(props: {
  readonly revisions: readonly Revision[];
  readonly revision: Revision;
  readonly name: string;
  readonly other: string;
  readonly isFixed: boolean;
  readonly choose: (revision: string) => void;
  readonly compare: (revision: string) => void;
  readonly setName: (name: string) => void;
}) {
  const { revisions, revision, name, other, isFixed, choose, compare, setName } = props;
  const named = revisions.map(
    (each) => [each.revision, `${each.revision.slice(0, 20)} (${each.engines.length})`] as const,
  );
  const names = [...Object.keys(revision.files), ...Object.keys(revision.scripts)];
  return (
    <div class="filter-line">
      {!isFixed && (
        <Choice
          name="revision"
          label="revision"
          value={revision.revision}
          onChange={choose}
          options={named}
        />
      )}
      <Choice
        name="file"
        label="files"
        value={name}
        onChange={setName}
        options={names.map((each) => [each, each] as const)}
      />
      {!isFixed && (
        <Choice
          name="between"
          label="between"
          value={other}
          onChange={compare}
          options={[["", "–"] as const, ...named.filter(([each]) => each !== revision.revision)]}
        />
      )}
    </div>
  );
}

/** `before` null: nothing to compare with. */
function Source({ text, before }: { readonly text: string; readonly before: string | null }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <pre class="source" tabIndex={0}>
      {before === null ? text : <Difference before={before} after={text} />}
    </pre>
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
