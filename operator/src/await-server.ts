/**
 * What must be there before the operator can do anything: an API server that answers, and the custom resource definitions of
 * this version or of a later one. It is waited for, since the chart, OLM or a person may bring it after the operator; `onMissing`
 * is told what is missing each time, which is what /readyz says, so a Deployment keeps the pods of the version before.
 */
import { type Clock, sleep } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import { definitions } from "#crds/definitions.ts";
import { hasImageVolumes, isServed, type RawReader, serverVersion } from "#operator/kube/discovery.ts";
import { resources } from "#operator/kube/objects.ts";

import { missingFields } from "./definitions-check.ts";
import type { ImageVolumes } from "./options.ts";

const LOOK_AGAIN_MS = 2000;
/** Enough to see which version they are of. */
const MOST_NAMED = 5;

export interface ServerWait {
  readonly kube: RawReader;
  readonly imageVolumes: ImageVolumes;
  readonly clock: Clock;
  readonly log: Log;
  readonly onMissing: (what: string) => void;
}

/** Whether pods may mount images. Null: told to stop. Never rejects. */
export async function awaitServer(wait: ServerWait, stop: AbortSignal): Promise<boolean | null> {
  const { kube, log, clock, onMissing } = wait;
  while (!stop.aborted) {
    try {
      const missing = await missingIn(kube, log);
      if (missing === null) {
        const version = await serverVersion(kube);
        const imageVolumes =
          wait.imageVolumes === "auto" ? hasImageVolumes(version) : wait.imageVolumes === "on";
        log.info({ version: version.text, imageVolumes }, "connected");
        return imageVolumes;
      }
      log.warn({ missing }, "crds-missing");
      onMissing(missing);
    } catch (error) {
      log.warn({ reason: describe(error) }, "api-server-unusable");
      onMissing(`the API server does not answer as it should: ${describe(error)}`);
    }
    await sleep(clock, LOOK_AGAIN_MS, stop);
  }
  return null;
}

/** Null: nothing is. */
async function missingIn(kube: RawReader, log: Log): Promise<string | null> {
  for (const resource of [resources.mailClusters, resources.nativePlugins])
    if (!(await isServed(kube, resource)))
      return `the API server serves no ${resource.kind}: install the custom resource definitions of this version`;
  const fields = await missingFields(kube, definitions);
  if (fields === null) log.warn("crds-not-compared");
  if (fields === null || fields.length === 0) return null;
  const named = fields.slice(0, MOST_NAMED).join(", ");
  const more = fields.length > MOST_NAMED ? ` and ${fields.length - MOST_NAMED} more` : "";
  return `the custom resource definitions are older than this operator, they lack ${named}${more}: upgrade them first (helm upgrade does where crds.enabled is true, else kubectl apply --server-side -f crds/generated)`;
}
