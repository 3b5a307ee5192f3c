/**
 * Gathers a bundle for support: the cluster's objects, what its engines say, logs and events, redacted. What cannot be had
 * is named in errors.txt, since a bundle is asked for when things are broken. Secrets are not read into it.
 */
import { describe } from "#base/error.ts";
import { CLUSTER_LABEL } from "#operator/cache/caches.ts";

import type { EngineDoor } from "./engine-door.ts";
import type { Kubectl } from "./kubectl.ts";
import { redactObject, redactText } from "./redact.ts";
import type { TarFile } from "./tar.ts";

export interface ReportOptions {
  readonly kubectl: Kubectl;
  readonly namespace: string;
  readonly cluster: string;
  readonly operatorNamespace: string;
  readonly pods: readonly string[];
  /** Null: the admin Secret cannot be read. */
  readonly door: EngineDoor | null;
  readonly salt: string;
}

const LOG_LINES = 2000;
const KINDS =
  "pods,persistentvolumeclaims,services,configmaps,poddisruptionbudgets,networkpolicies,serviceaccounts";

export async function gather(options: ReportOptions): Promise<readonly TarFile[]> {
  const { kubectl, namespace, cluster, operatorNamespace, pods, door, salt } = options;
  const inside = `--namespace=${namespace}`;
  const selector = `--selector=${CLUSTER_LABEL}=${cluster}`;
  const errors: string[] = [];
  const take = async (name: string, get: () => Promise<string>): Promise<TarFile[]> => {
    try {
      return [{ name, text: await get() }];
    } catch (error) {
      errors.push(`${name}: ${describe(error)}`);
      return [];
    }
  };
  const objects = (name: string, ...args: readonly string[]): Promise<TarFile[]> =>
    take(name, async () => pretty(redactObject(await kubectl.json("get", ...args), salt)));
  const logs = (name: string, ...args: readonly string[]): Promise<TarFile[]> =>
    take(name, async () => redactText(await kubectl.text("logs", `--tail=${LOG_LINES}`, ...args), salt));
  const files = [
    await take("version.json", () => kubectl.text("version", "--output=json")),
    await objects("mailcluster.json", "mailcluster", cluster, inside),
    await objects("objects.json", KINDS, inside, selector),
    await objects("native-plugins.json", "nativeplugins", inside),
    await objects("events.json", "events.events.k8s.io", inside),
    await objects("nodes.json", "nodes"),
    await logs(
      "operator.log",
      `--namespace=${operatorNamespace}`,
      "--selector=app.kubernetes.io/name=mailfleet-operator",
    ),
  ];
  for (const pod of pods) {
    files.push(await logs(`${pod}.log`, inside, pod, "--all-containers"));
    files.push(await logs(`${pod}.previous.log`, inside, pod, "--previous", "--container=mta"));
    if (door !== null)
      files.push(
        await take(`${pod}.engine.json`, async () => pretty(redactObject(await door.status(pod), salt))),
      );
  }
  const lines = errors.map((line) => redactText(line, salt)).join("\n");
  return [...files.flat(), { name: "errors.txt", text: `${lines}\n` }];
}

function pretty(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
