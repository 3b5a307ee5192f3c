/**
 * The plugins that a cluster names, looked up and checked (pure). One that is missing or broken, that has not passed its
 * check or is in quarantine, is a problem of the whole configuration: no pod is changed for it.
 */
import { paths } from "#contract/runtime.ts";
import type { PluginReference } from "#crds/mail-cluster.ts";
import { NativePlugin, type PluginSource } from "#crds/native-plugin.ts";
import type { CustomObject } from "#operator/kube/objects.ts";

import { verdictOn } from "./verdict.ts";

export interface ResolvedPlugin {
  /** Name of the NativePlugin; names folder and volume. */
  readonly name: string;
  /** Id in the engine's configuration. */
  readonly id: string;
  readonly source: PluginSource;
  /** The image that was checked, by its digest; null: pods use the source as it is. */
  readonly pinned: string | null;
  /** Where the file is in the pod. */
  readonly path: string;
  readonly config: Readonly<Record<string, unknown>> | null;
  readonly appConfig: Readonly<Record<string, unknown>> | null;
}

export interface PluginProblem {
  readonly name: string;
  readonly reason: "NotFound" | "Invalid" | "NotChecked" | "Refused" | "Quarantined";
  readonly message: string;
}

export interface PluginResolution {
  /** Those that could be mounted, also when they should not: pods of an older configuration may need them. */
  readonly plugins: readonly ResolvedPlugin[];
  readonly problems: readonly PluginProblem[];
}

/** `find` gives the NativePlugin of that name in the cluster's namespace. */
export function resolvePlugins(
  references: readonly PluginReference[],
  find: (name: string) => CustomObject | null,
): PluginResolution {
  const results = references.map((reference) => resolve(reference, find(reference.name)));
  const plugins = results.flatMap((result) => ("id" in result ? [result] : []));
  const problems = results.flatMap((result) => ("reason" in result ? [result] : []));
  const unusable = plugins.flatMap((plugin) => unusableOf(plugin, find(plugin.name)));
  return { plugins, problems: [...problems, ...unusable, ...sharedIds(plugins)] };
}

function resolve(reference: PluginReference, object: CustomObject | null): ResolvedPlugin | PluginProblem {
  const { name } = reference;
  if (object === null) {
    const message = `there is no NativePlugin "${name}" in the namespace: create it, or take it out of spec.plugins`;
    return { name, reason: "NotFound", message };
  }
  const parsed = NativePlugin.safeParse(object);
  if (!parsed.success) {
    const message = `NativePlugin "${name}": ${parsed.error.issues[0]?.message ?? "is not valid"}`;
    return { name, reason: "Invalid", message };
  }
  return { ...pluginOf(name, parsed.data, reference), pinned: pinnedIn(object, parsed.data) };
}

/** A NativePlugin by itself, or as a cluster refers to it. */
export function pluginOf(
  name: string,
  { spec }: Pick<NativePlugin, "spec">,
  reference: Pick<PluginReference, "config" | "appConfig"> = {},
): ResolvedPlugin {
  const { id = name, source } = spec;
  return {
    name,
    id,
    source,
    pinned: null,
    path: `${pluginFolder(name)}/${fileIn(source)}`,
    config: reference.config ?? null,
    appConfig: reference.appConfig ?? null,
  };
}

/** Of the present spec only, and only what has passed. */
function pinnedIn(object: CustomObject, { spec, status }: NativePlugin): string | null {
  const checked = status?.checked;
  if (spec.check === "Off" || spec.source.image === undefined) return null;
  return checked?.generation === object.metadata.generation ? (checked?.image ?? null) : null;
}

function unusableOf({ name }: ResolvedPlugin, object: CustomObject | null): PluginProblem[] {
  const parsed = NativePlugin.safeParse(object);
  if (object === null || !parsed.success) return [];
  const verdict = verdictOn(object, parsed.data);
  if (verdict.kind === "usable") return [];
  return [{ name, reason: verdict.kind, message: `NativePlugin "${name}": ${verdict.message}` }];
}

export function pluginFolder(name: string): string {
  return `${paths.plugins}/${name}`;
}

function fileIn({ image, configMap, persistentVolumeClaim }: PluginSource): string {
  return image?.path ?? persistentVolumeClaim?.path ?? configMap?.key ?? "";
}

/** The engine knows a plugin by its id, so two of one id cannot be told apart. */
function sharedIds(plugins: readonly ResolvedPlugin[]): PluginProblem[] {
  return plugins
    .filter(({ id }, i) => plugins.findIndex((other) => other.id === id) < i)
    .map(({ name, id }) => ({
      name,
      reason: "Invalid",
      message: `NativePlugin "${name}" has the id "${id}" of another plugin of this cluster: change spec.id of one`,
    }));
}
