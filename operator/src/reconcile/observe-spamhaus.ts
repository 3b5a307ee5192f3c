/** Gathers what spamhaus/decide.ts decides from: the user's Secret, our own, what engines say, what was configured before. */
import type { MailClusterSpec } from "#crds/mail-cluster.ts";
import type { Key } from "#operator/cache/key.ts";
import { readConfigMap } from "#operator/desired/config-map.ts";
import type { RenderedConfig } from "#operator/desired/engine-config.ts";
import { configMapName, spamhausSecretName } from "#operator/desired/names.ts";
import { readSpamhausSecret } from "#operator/desired/spamhaus-secret.ts";
import type { ConfigMap, Secret } from "#operator/kube/objects.ts";
import type { ObservedSlot } from "#operator/slots/observed.ts";
import { type SpamhausChoice, type WantedKey, decideSpamhaus } from "#operator/spamhaus/decide.ts";
import { type SpamhausSection, sectionIn } from "#operator/spamhaus/section.ts";
import { wantedKey } from "#operator/spamhaus/wanted-key.ts";

import type { Tools } from "./tools.ts";

export interface SpamhausFacts {
  readonly key: Key;
  readonly uid: string;
  readonly spec: MailClusterSpec;
  readonly secrets: readonly Secret[];
  readonly configMaps: readonly ConfigMap[];
  readonly slots: readonly ObservedSlot[];
  readonly lastGood: RenderedConfig | null;
  /** The revision that was made last. */
  readonly target: string | undefined;
}

export async function observeSpamhaus(tools: Tools, facts: SpamhausFacts): Promise<SpamhausChoice> {
  const { key, spec, secrets, slots, lastGood } = facts;
  const wanted = await readWanted(tools, facts);
  const ours = secrets.find(({ metadata }) => metadata.name === spamhausSecretName(key.name)) ?? null;
  const pods = slots.flatMap(({ pod }) => (pod === null ? [] : [pod]));
  const telling = pods.filter(({ engine }) => engine?.spamhaus !== undefined);
  const good = lastGood === null ? null : sectionIn(lastGood.app);
  return decideSpamhaus({
    spec: spec.spamhaus,
    wanted,
    held: readSpamhausSecret(ours),
    before: targetSection(facts) ?? good,
    lastGood: good,
    probe: tools.memory.of(key).probe,
    inUse: telling.map(({ engine }) => engine?.spamhaus?.key ?? null),
    silent: pods.length - telling.length,
  });
}

async function readWanted(tools: Tools, { key, uid, spec }: SpamhausFacts): Promise<WantedKey> {
  if (spec.spamhaus === undefined) {
    tools.secretWatches.forget(key);
    return { kind: "unusable", why: "" };
  }
  const secret = await tools.secretWatches.read(key, spec.spamhaus.keySecretRef.name);
  return wantedKey(spec.spamhaus, secret, uid);
}

function targetSection({ key, configMaps, target }: SpamhausFacts): SpamhausSection | null {
  if (target === undefined) return null;
  const map = configMaps.find(({ metadata }) => metadata.name === configMapName(key.name, target));
  const config = map === undefined ? null : readConfigMap(map);
  return config === null ? null : sectionIn(config.app);
}
