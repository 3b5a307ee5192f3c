/**
 * The scripts of a configuration, read and compiled: what the engine does before a configuration comes into force, and what
 * `smtpd --check` does without one. Rejects with a ConfigFailure that names every mistake with file, line and column.
 */
import { readFile } from "node:fs/promises";

import { describe } from "#base/error.ts";
import type { Problem } from "#contract/admin-api.ts";
import { type AppConfig, appFile } from "#contract/config.ts";

import { ConfigFailure } from "./config/config-failure.ts";
import { type ScriptHostParts, makeScriptHost } from "./hooks/script-host.ts";
import { type ScriptTexts, type Scripts, compileScripts } from "./hooks/scripts.ts";
import { libraryHost } from "./script/library/library.ts";

/** Rejects with a ConfigFailure. */
export async function compileConfig(
  app: AppConfig,
  offers: Omit<ScriptHostParts, "libraryHost">,
): Promise<Scripts> {
  const texts = textsOf(app, await readFiles(app.scripting.files));
  const scripts = compileScripts(texts, makeScriptHost({ libraryHost, ...offers }));
  if (!("servers" in scripts))
    throw new ConfigFailure(
      "script-broken",
      scripts.map(({ path, reason }) => ({ file: appFile, path, reason })),
    );
  return scripts;
}

type Files = AppConfig["scripting"]["files"];

/** Texts are bytes: one character each. */
async function readFiles(files: Files): Promise<ReadonlyMap<string, string>> {
  const problems: Problem[] = [];
  const read = await Promise.all(
    files.map(async ({ id, data, path, binary }, at): Promise<[string, string]> => {
      if (data !== undefined) return [id, bytesOf(data, binary)];
      try {
        return [id, await readFile(path ?? "", "latin1")];
      } catch (error) {
        problems.push({ file: appFile, path: `scripting.files[${at}].path`, reason: describe(error) });
        return [id, ""];
      }
    }),
  );
  if (problems.length > 0) throw new ConfigFailure("script-broken", problems);
  return new Map(read);
}

function bytesOf(data: string, isBinary: boolean): string {
  return Buffer.from(data, isBinary ? "base64" : "utf8").toString("latin1");
}

function textsOf({ scripting, servers }: AppConfig, files: ReadonlyMap<string, string>): ScriptTexts {
  const { predelivery, postdelivery, ...named } = scripting.hooks;
  const { steps, computing, time, memory } = scripting.limits;
  return {
    files,
    hooks: new Map(
      Object.entries(named).flatMap(([hook, scripts]) =>
        scripts.map(({ id, data }): [string, string] => [`${hook}/${id}`, bytesOf(data, false)]),
      ),
    ),
    predelivery: predelivery === undefined ? null : bytesOf(predelivery, false),
    postdelivery: postdelivery === undefined ? null : bytesOf(postdelivery, false),
    servers: servers.map((server) => ({ id: server.id, ...choicesOf(server.phases) })),
    limits: { steps, cpuMs: computing, wallMs: time, bytes: memory },
    onError: scripting.onerror,
  };
}

function choicesOf(
  phases: AppConfig["servers"][number]["phases"],
): Pick<ScriptTexts["servers"][number], "hooks" | "rcptto"> {
  const { rcptto, data: _, ...others } = phases;
  const hooks = Object.fromEntries(
    Object.entries(others).flatMap(([phase, { hook }]) => (hook === undefined ? [] : [[phase, hook]])),
  );
  const chosen = typeof rcptto.hook === "string" ? [{ id: rcptto.hook }] : (rcptto.hook ?? []);
  return {
    hooks,
    rcptto: chosen.map(({ id, ...rest }) => ({
      id,
      domains: ("recipientdomains" in rest ? rest.recipientdomains : undefined) ?? null,
    })),
  };
}
