/**
 * The plugins of an engine, from its configuration to a host that has loaded them. An engine without plugins gets
 * null and never loads the addon, so it runs where there is none. Throws a Failure with a sentence when the addon or
 * a plugin cannot be loaded; the engine must not start then.
 */
import { type Choice, choosePlugins } from "./choose.ts";
import { type HostOptions, PluginHost } from "./host.ts";
import { addonBesideEngine, loadNative } from "./native.ts";

export interface OpenOptions extends Omit<HostOptions, "native">, Choice {
  /** null: the one that belongs to this engine. */
  readonly addonPath: string | null;
}

export async function openPlugins(options: OpenOptions): Promise<PluginHost | null> {
  const plugins = await choosePlugins(options);
  if (plugins.length === 0) return null;
  const host = new PluginHost({ ...options, native: loadNative(options.addonPath ?? addonBesideEngine()) });
  await host.load(plugins);
  return host;
}
