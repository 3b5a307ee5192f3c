/**
 * A change of the configuration that somebody thinks of: edited here, checked by the server as an engine would, and given back
 * as a patch and as a manifest. It is kept nowhere: leaving the page leaves it.
 */
import { createTwoFilesPatch } from "diff";
import { useEffect, useState } from "preact/hooks";

import type { ClusterConfig, ConfigVerdict } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Copyable } from "../components/copyable.tsx";
import { Problem } from "../components/parts.tsx";
import { t } from "../strings.ts";

type Revision = ClusterConfig["revisions"][number];
/** Texts that are others than those in force, by their names. */
export type Edits = Readonly<Record<string, string>>;

/** Long enough that nobody who types is checked at every key. */
const PAUSE_MS = 500;

export function Proposal(props: {
  readonly revision: Revision;
  readonly name: string;
  readonly edits: Edits;
  readonly onEdit: (edits: Edits) => void;
}) {
  const { revision, name, edits, onEdit } = props;
  const { verdict, error } = useVerdict(revision, edits);
  const text = edits[name] ?? textOf(revision, name);
  return (
    <>
      <p class="muted">{t("proposeNote")}</p>
      <textarea
        class="source"
        name="proposal"
        rows={18}
        spellcheck={false}
        aria-label={t("proposalText", { name })}
        value={text}
        onInput={({ currentTarget }) => onEdit(edited(revision, edits, [name, currentTarget.value]))}
      />
      <Problem text={error} />
      {verdict === null ? (
        <p class="muted" role="status">
          {Object.keys(edits).length === 0 ? t("proposalSame") : t("loading")}
        </p>
      ) : (
        <>
          <Verdict verdict={verdict} />
          <Copyable label={t("proposalPatch")} text={patchOf(revision, edits)} />
          {verdict.manifest !== null && (
            <>
              <p class="muted">{t("proposalManifestNote")}</p>
              <Copyable label={t("proposalManifest")} text={verdict.manifest} />
            </>
          )}
        </>
      )}
    </>
  );
}

function Verdict({ verdict }: { readonly verdict: ConfigVerdict }) {
  const { problems, further, isScriptsUnknown, isStartupChanged } = verdict;
  return (
    <div role="status" class={`notice ${problems.length === 0 ? "good" : "bad"}`}>
      <strong>
        {problems.length === 0 ? t("proposalGood") : t("proposalBad", { count: problems.length + further })}
      </strong>
      <ul>
        {problems.map(({ file, path, reason }, at) => (
          <li key={`${at} ${path}`}>
            <code>
              {file}
              {path === "" ? "" : `: ${path}`}
            </code>
            : {reason}
          </li>
        ))}
      </ul>
      {further > 0 && <p>{t("proposalFurther", { count: further })}</p>}
      {isScriptsUnknown && <p>{t("proposalUnknown")}</p>}
      {isStartupChanged && <p>{t("proposalStartup")}</p>}
    </div>
  );
}

/** Of the latest edits; null while there are none, or none has been heard of them yet. */
function useVerdict(
  revision: Revision,
  edits: Edits,
): { verdict: ConfigVerdict | null; error: string | null } {
  const [verdict, setVerdict] = useState<ConfigVerdict | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    setError(null);
    if (Object.keys(edits).length === 0) return setVerdict(null);
    let isLatest = true;
    const ask = async (): Promise<void> => {
      try {
        const next = await api.lint({ revision: revision.revision, ...split(revision, edits) });
        if (isLatest) setVerdict(next);
      } catch (cause) {
        if (!isLatest) return;
        setVerdict(null);
        setError(cause instanceof Error ? cause.message : String(cause));
      }
    };
    const timer = globalThis.setTimeout(() => void ask(), PAUSE_MS);
    return () => {
      isLatest = false;
      globalThis.clearTimeout(timer);
    };
  }, [revision.revision, edits]);
  return { verdict, error };
}

export function textOf({ files, scripts }: Pick<Revision, "files" | "scripts">, name: string): string {
  return files[name] ?? scripts[name] ?? "";
}

/** What is as it was in force is no edit. */
export function edited(
  revision: Pick<Revision, "files" | "scripts">,
  edits: Edits,
  [name, text]: readonly [string, string],
): Edits {
  const { [name]: _, ...others } = edits;
  return text === textOf(revision, name) ? others : { ...others, [name]: text };
}

function split(
  revision: Revision,
  edits: Edits,
): { files: Record<string, string>; scripts: Record<string, string> } {
  const all = Object.entries(edits);
  return {
    files: Object.fromEntries(all.filter(([name]) => name in revision.files)),
    scripts: Object.fromEntries(all.filter(([name]) => !(name in revision.files))),
  };
}

export function patchOf(revision: Pick<Revision, "files" | "scripts">, edits: Edits): string {
  return Object.entries(edits)
    .map(([name, text]) => createTwoFilesPatch(`a/${name}`, `b/${name}`, textOf(revision, name), text))
    .join("");
}
