/**
 * What an engine would say to a changed configuration, and the change as a manifest (pure). All texts are somebody's: this runs
 * in lint-worker.ts, where too much of anything ends a thread and nothing else.
 */
import { dump, load } from "js-yaml";

import {
  appFile,
  judgeOfScripts,
  parseEngineConfig,
  policyFile,
  startupFile,
  suspendFile,
} from "#contract/config.ts";
import { lookAtScripts } from "#mta/hooks/look-at-scripts.ts";
import type { ConfigVerdict } from "#web/shared/web-api.ts";

import { mergePatch } from "./merge-patch.ts";
import { withScripts } from "./script-texts.ts";

export interface Proposal {
  /** In force, by name of the file. */
  readonly before: Readonly<Record<string, string>>;
  /** Files that would be others. */
  readonly files: Readonly<Record<string, string>>;
  /** Scripts that would be others, as script-texts.ts names them. */
  readonly scripts: Readonly<Record<string, string>>;
}

type Problem = ConfigVerdict["problems"][number];

/** Parts of spec.config by the file that they become. */
const parts = [
  ["app", appFile],
  ["policy", policyFile],
  ["suspend", suspendFile],
] as const;

const SHOWN = 200;
/** Some seconds of translating. */
const MOST = { code: 1_048_576, data: 4_194_304 };
const yamlStyle = { noRefs: true, lineWidth: -1, sortKeys: false } as const;

export function judgeProposal(proposal: Proposal): ConfigVerdict {
  const after = changed(proposal);
  const { problems, isScriptsUnknown } = judge(after);
  return {
    problems: problems.slice(0, SHOWN),
    further: Math.max(0, problems.length - SHOWN),
    isScriptsUnknown,
    manifest: manifestOf(proposal.before, after),
    isStartupChanged: after[startupFile] !== proposal.before[startupFile],
  };
}

function changed({ before, files, scripts }: Proposal): Readonly<Record<string, string>> {
  const after = { ...before, ...files };
  if (Object.keys(scripts).length === 0) return after;
  const app = read(after[appFile]);
  return app === undefined ? after : { ...after, [appFile]: dump(withScripts(app, scripts), yamlStyle) };
}

function judge(files: Readonly<Record<string, string>>): {
  readonly problems: readonly Problem[];
  readonly isScriptsUnknown: boolean;
} {
  const text = (name: string): string => files[name] ?? "";
  const parsed = parseEngineConfig({
    startup: text(startupFile),
    app: text(appFile),
    policy: text(policyFile),
    suspend: text(suspendFile),
  });
  if (!parsed.ok) return { problems: parsed.problems, isScriptsUnknown: false };
  const who = judgeOfScripts(parsed.value);
  if (who !== "anybody") return { problems: [], isScriptsUnknown: who === "engine" };
  const found = lookAtScripts(parsed.value.app, MOST);
  const problems = (found ?? []).map((problem) => ({ file: appFile, ...problem }));
  return { problems, isScriptsUnknown: found === null };
}

/** Only what differs, so that it can be put on a MailCluster of which the operator has filled in the rest. */
function manifestOf(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string | null {
  const config = parts.flatMap(([part, file]) => {
    const [was, will] = [read(before[file]), read(after[file])];
    const change = will === undefined ? undefined : mergePatch(was ?? {}, will);
    return change === undefined ? [] : [[part, change] as const];
  });
  return config.length === 0 ? null : dump({ spec: { config: Object.fromEntries(config) } }, yamlStyle);
}

/** Undefined: it is no YAML, or nothing. */
function read(text: string | undefined): unknown {
  try {
    return text === undefined || text.trim() === "" ? {} : load(text);
  } catch {
    return undefined;
  }
}
