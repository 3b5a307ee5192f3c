/** What settings need beyond the configuration's text: certificates, passwords and scripts. Rejects with a Failure. */
import type { EngineConfig } from "#contract/config.ts";

import { type Settings, makeSettings } from "../config/settings.ts";
import type { Scripts } from "../hooks/scripts.ts";
import { endOf, loadContexts } from "../net/tls-contexts.ts";
import type { Credentials } from "../session/credentials.ts";
import { loadPasswords } from "../session/password-file.ts";

export async function prepareSettings(
  config: EngineConfig,
  systemHostname: string,
  scripts: Scripts,
): Promise<Settings> {
  const contexts = await loadContexts(config.startup.pki.private);
  const credentials = new Map<string, Credentials>();
  for (const { id, auth } of config.app.servers) {
    if (auth !== undefined) credentials.set(id, await loadPasswords(auth.file));
  }
  return makeSettings({ config, systemHostname, contexts, credentials, hooks: scripts.servers });
}

/** Servers with a certificate, and when it ends, wall-clock ms. */
export function certificateEnds(settings: Settings): [string, number][] {
  return [...settings.sessions].flatMap(([id, { tls }]): [string, number][] =>
    tls === null ? [] : [[id, endOf(tls)]],
  );
}
