/**
 * What hsh gives to a script beyond the library: functions of native plugins, and the class FFI. There is no queue
 * here: what plugins order about it is dropped, and mail that they inject is refused. Rejects with a Failure when the
 * addon or a plugin cannot be loaded.
 */
import type { Log } from "#base/log.ts";

import { openForeign } from "../engine/foreign-functions.ts";
import type { HshOptions } from "./hsh-options.ts";
import { offerFunctions } from "../plugins/functions.ts";
import { withPluginModules } from "../plugins/modules.ts";
import { openPlugins } from "../plugins/open.ts";
import type { InjectPort, QueuePort } from "../plugins/ports.ts";
import { pluginResources } from "../engine/plugin-resources.ts";
import { type Host, makeHost } from "../script/host.ts";
import type { Loader } from "../script/module.ts";
import type { ForeignPort } from "../script/ports.ts";

export interface Extras {
  readonly host: Host;
  readonly loader: (behind: Loader) => Loader;
  readonly foreign: ForeignPort | undefined;
  close(): void;
}

const none: Extras = { host: makeHost([]), loader: (behind) => behind, foreign: undefined, close: () => {} };

const noQueue: QueuePort = {
  suspend: () => {},
  unsuspend: () => {},
  addPolicy: () => {},
  updatePolicy: () => {},
  deletePolicy: () => {},
  divideLimits: () => {},
  changeList: () => {},
};

/** A temporary refusal: the plugin may try again elsewhere. */
const noIntake: InjectPort = { inject: async () => 451 };

/** Where `<id>.so` is looked for, and plugins for every run of hsh. */
const FOLDER = "/opt/halon/plugins";
const BLOCKED_MS = 5_000;

export async function openExtras(options: HshOptions, log: Log): Promise<Extras> {
  const plugins = await openFunctions(options, log);
  if (!options.ffi) return plugins;
  const { host, port: foreign } = await openForeign(null);
  return {
    ...plugins,
    host: makeHost(
      [...plugins.host.functions.values()],
      [...plugins.host.classes.values(), ...host.classes.values()],
    ),
    foreign,
  };
}

async function openFunctions({ plugins }: HshOptions, log: Log): Promise<Extras> {
  const opened = await openPlugins({
    addonPath: null,
    folder: FOLDER,
    program: "hsh",
    configured: plugins,
    appConfigs: new Map(plugins.map(({ id, appConfig }) => [id, appConfig])),
    log,
    queue: noQueue,
    inject: noIntake,
    blockedMs: BLOCKED_MS,
    servers: [],
  });
  if (opened === null) return none;
  opened.earlyInit();
  opened.init();
  opened.ready();
  const offer = offerFunctions(opened.registrations, opened.calls, pluginResources);
  return {
    host: offer.global,
    loader: (behind) => withPluginModules(offer.modules, behind),
    foreign: undefined,
    close: () => {
      opened.earlyCleanup();
      opened.cleanup();
    },
  };
}
