/**
 * Sees to it that a plugin is checked once for each generation of its spec: makes the pod that opens the file, waits for its
 * word, takes the pod away. What was found stays in the status, so a settled plugin costs nothing. A pod that is gone, or
 * taken away, before it has spoken is made anew. What an earlier NativePlugin of that name has left is waited for: its pod speaks of
 * another file, and its policy goes with it.
 */
import { annotations } from "#crds/group.ts";
import type { NativePlugin, NativePluginStatus } from "#crds/native-plugin.ts";
import {
  type EngineImage,
  checkName,
  checkPod,
  checkPolicy,
  policyName,
} from "#operator/desired/check-pod.ts";
import type { KubeObject } from "#operator/kube/kube.ts";
import { type CustomObject, type Pod, resources } from "#operator/kube/objects.ts";
import { checkStateOf, isTakenAway } from "#operator/plugins/check-result.ts";
import { pinOf } from "#operator/plugins/pin.ts";
import { pluginOf } from "#operator/plugins/resolve.ts";
import { conditionOf } from "#operator/plugins/verdict.ts";
import { type Checked, resolvedImage } from "#operator/status/native-plugin-status.ts";

import type { Tools } from "./tools.ts";
import type { Writer } from "./writer.ts";

export interface CheckInput {
  readonly object: CustomObject;
  readonly plugin: Pick<NativePlugin, "spec">;
  /** Null: none is known. */
  readonly engine: EngineImage | null;
}

export async function checkPlugin(tools: Tools, writer: Writer, input: CheckInput): Promise<Checked> {
  const { object, plugin, engine } = input;
  if (plugin.spec.check === "Off") return { kind: "off" };
  if (isKnown(object) || object.metadata.deletionTimestamp !== undefined) return { kind: "known" };
  if (engine === null) return { kind: "no-image" };
  const found = await podOf(tools, writer, { object, plugin, engine });
  if ("message" in found) {
    const state = { kind: "pending", reason: "Pending", message: found.message } as const;
    return { kind: "told", state, imageId: "", pin: pinOf(plugin.spec.source.image, "") };
  }
  const { pod } = found;
  const state = checkStateOf(pod);
  if (state.kind !== "pending" || isTakenAway(pod)) await cleanUp(writer, pod);
  const imageId = resolvedImage(pod, object.metadata.name);
  return { kind: "told", state, imageId, pin: pinOf(plugin.spec.source.image, imageId) };
}

/** The verdict of the present generation, which only a new value of the annotation asks for again. */
function isKnown(object: CustomObject): boolean {
  const condition = conditionOf(object, "Checked");
  const { checked, recheck } = (object.status ?? {}) as Partial<NativePluginStatus>;
  if (recheckAskedBy(object) !== (recheck ?? "")) return false;
  if (condition?.status === "False") return true;
  return condition?.status === "True" && checked?.generation === object.metadata.generation;
}

/** Whatever people write there; another text asks for another check. */
export function recheckAskedBy({ metadata }: CustomObject): string {
  return (metadata.annotations?.[annotations.recheck] ?? "").slice(0, 256);
}

async function podOf(
  tools: Tools,
  writer: Writer,
  { object, plugin, engine }: CheckInput & { readonly engine: EngineImage },
): Promise<{ readonly pod: Pod } | { readonly message: string }> {
  const namespace = object.metadata.namespace ?? "";
  const name = checkName(object);
  const live = await writer.kube.get<Pod>({ resource: resources.pods, namespace, name });
  if (live !== null) return isOf(object, live) ? { pod: live } : strange(live);
  const ref = { resource: resources.networkPolicies, namespace, name: policyName(object) };
  const policy = await writer.kube.get(ref);
  if (policy !== null && !isOf(object, policy)) return strange(policy);
  if (policy === null) await writer.kube.create(ref.resource, checkPolicy(object));
  const { hasImageVolumes } = tools.facts;
  const resolved = pluginOf(object.metadata.name, plugin);
  const wanted = checkPod({ object, plugin: resolved, engine, hasImageVolumes });
  return { pod: await writer.kube.create<Pod>(resources.pods, wanted) };
}

function isOf({ metadata: { uid } }: CustomObject, { metadata }: KubeObject): boolean {
  return metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;
}

function strange({ kind, metadata }: KubeObject): { readonly message: string } {
  return {
    message: `${kind} "${metadata.name}" is there already and is not of this NativePlugin: remove it`,
  };
}

/** The policy stays: it belongs to the plugin, and the next generation needs it again. */
async function cleanUp(writer: Writer, pod: Pod): Promise<void> {
  const { namespace = "", name, uid = "" } = pod.metadata;
  await writer.kube.delete({ resource: resources.pods, namespace, name }, { uid });
}
