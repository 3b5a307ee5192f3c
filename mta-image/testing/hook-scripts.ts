/** Compiled scripts for tests of hooks: a text by hook, all of one server. Throws with what the compiler says. */
import { makeScriptHost } from "#mta/hooks/script-host.ts";
import {
  type OnError,
  type ScriptTexts,
  type Scripts,
  type ServerScripts,
  compileScripts,
} from "#mta/hooks/scripts.ts";
import type { QueueHook, SessionHook } from "#mta/hooks/stages.ts";
import { libraryHost } from "#mta/script/library/library.ts";
import type { Limits } from "#mta/script/limits.ts";

/** Small, so that a script without end ends soon. */
export const testLimits: Limits = { steps: 200_000, cpuMs: 2_000, wallMs: 300_000, bytes: 1 << 26 };

export function hooksOf(
  scripts: Partial<Record<SessionHook, string>>,
  options: { onError?: OnError; files?: Readonly<Record<string, string>>; limits?: Limits } = {},
): ServerScripts {
  const { rcptto, ...others } = scripts;
  const texts: ScriptTexts = {
    files: new Map(Object.entries(options.files ?? {})),
    hooks: new Map(Object.entries(scripts).map(([hook, text]) => [`${hook}/test`, text])),
    predelivery: null,
    postdelivery: null,
    servers: [
      {
        id: "inbound",
        hooks: Object.fromEntries(Object.keys(others).map((hook) => [hook, "test"])),
        rcptto: rcptto === undefined ? [] : [{ id: "test", domains: null }],
      },
    ],
    limits: options.limits ?? testLimits,
    onError: options.onError ?? "defer",
  };
  const compiled = compileScripts(texts, makeScriptHost({ libraryHost }));
  if (!("servers" in compiled)) throw new Error(compiled.map(({ reason }) => reason).join("\n"));
  const server = compiled.servers.get("inbound");
  if (server === undefined) throw new Error("no script was given");
  return server;
}

/** The same for the hooks around an attempt. */
export function queueScriptsOf(scripts: Partial<Record<QueueHook, string>>): Scripts {
  const texts: ScriptTexts = {
    files: new Map(),
    hooks: new Map(),
    predelivery: scripts.predelivery ?? null,
    postdelivery: scripts.postdelivery ?? null,
    servers: [],
    limits: testLimits,
    onError: "defer",
  };
  const compiled = compileScripts(texts, makeScriptHost({ libraryHost }));
  if (!("servers" in compiled)) throw new Error(compiled.map(({ reason }) => reason).join("\n"));
  return compiled;
}
