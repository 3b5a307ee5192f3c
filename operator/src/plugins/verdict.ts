/**
 * Whether clusters may use a plugin (pure): it has passed its check, and is not in quarantine. Read from the conditions of
 * its status, which count for the generation that they were made for; of a plugin that nobody has looked at yet nothing
 * is known.
 */
import type { Condition } from "#crds/conditions.ts";
import type { NativePlugin } from "#crds/native-plugin.ts";
import type { CustomObject } from "#operator/kube/objects.ts";

export type PluginVerdict =
  | { readonly kind: "usable" }
  | { readonly kind: "NotChecked" | "Refused" | "Quarantined"; readonly message: string };

const usable: PluginVerdict = { kind: "usable" };

export function verdictOn(object: CustomObject, { spec }: Pick<NativePlugin, "spec">): PluginVerdict {
  const quarantined = conditionOf(object, "Quarantined");
  if (quarantined?.status === "True") return { kind: "Quarantined", message: quarantined.message };
  if (spec.check === "Off") return usable;
  const checked = conditionOf(object, "Checked");
  if (checked?.status === "True") return usable;
  if (checked?.status === "False") return { kind: "Refused", message: checked.message };
  return { kind: "NotChecked", message: checked?.message ?? "nobody has looked at it yet" };
}

/** Whether a change of the object's status says something else about its use. */
export function changesVerdict(now: CustomObject, before: CustomObject): boolean {
  return (["Checked", "Quarantined"] as const).some((type) => {
    const [one, other] = [conditionOf(now, type), conditionOf(before, type)];
    return one?.status !== other?.status || one?.message !== other?.message;
  });
}

/** Of the present generation. */
export function conditionOf(object: CustomObject, type: string): Condition | null {
  const { conditions } = (object.status ?? {}) as { conditions?: readonly Condition[] };
  const found = conditions?.find((condition) => condition.type === type);
  return found?.observedGeneration === object.metadata.generation ? (found ?? null) : null;
}
