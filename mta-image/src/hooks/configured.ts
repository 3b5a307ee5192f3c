/** From the configuration's words on scripts to texts that can be compiled (pure). Texts are bytes: one character each. */
import type { AppConfig } from "#contract/config.ts";

import type { ScriptTexts } from "./scripts.ts";

/** Of a file whose text stands in the configuration. */
export function fileBytes(data: string, isBinary: boolean): string {
  return Buffer.from(data, isBinary ? "base64" : "utf8").toString("latin1");
}

/** What packages of scripts import of their own settings, by package and file: JSON, which is YAML too. */
export function pluginConfigs(
  file: "smtpd.yaml" | "smtpd-app.yaml",
  plugins: readonly { readonly id: string; readonly config?: unknown }[],
): ReadonlyMap<string, string> {
  return new Map(
    plugins.map(({ id, config }) => [`${id}/${file}`, fileBytes(JSON.stringify(config ?? null), false)]),
  );
}

export function scriptTexts(
  { scripting, servers }: AppConfig,
  files: ReadonlyMap<string, string>,
): ScriptTexts {
  const { predelivery, postdelivery, ...named } = scripting.hooks;
  const { steps, computing, time, memory } = scripting.limits;
  return {
    files,
    hooks: new Map(
      Object.entries(named).flatMap(([hook, scripts]) =>
        scripts.map(({ id, data }): [string, string] => [`${hook}/${id}`, fileBytes(data, false)]),
      ),
    ),
    predelivery: predelivery === undefined ? null : fileBytes(predelivery, false),
    postdelivery: postdelivery === undefined ? null : fileBytes(postdelivery, false),
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
