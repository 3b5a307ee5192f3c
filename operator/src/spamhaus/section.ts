/**
 * The part `spamhaus` of smtpd-app.yaml, from a spec and the file that the key stands in (pure). Keys never are in it:
 * each stands in a file of its own, named after a fingerprint that tells keys apart and gives none away, so that a new
 * key is a new revision of the configuration and an old one stays readable while a pod uses it.
 */
import { createHash } from "node:crypto";

import { load } from "js-yaml";

import { paths } from "#contract/runtime.ts";
import type { ProbeOrder } from "#contract/spamhaus-api.ts";
import type { SpamhausSpec } from "#crds/mail-cluster-spamhaus.ts";

/** As it stands in the file. */
export type SpamhausSection = Readonly<ProbeOrder["spamhaus"]>;

export function sectionOf(spec: SpamhausSpec, keyFile: string): SpamhausSection {
  const { lists, stages, actions, failOpen, resolvers, timeoutSeconds, exceptions, limits, cache, zone } =
    spec;
  return {
    keyfile: `${paths.spamhaus}/${keyFile}`,
    lists,
    stages,
    resolvers,
    failopen: failOpen,
    timeout: timeoutSeconds,
    actions,
    exceptions,
    limits,
    cache: { size: cache.size, negative: cache.negativeSeconds },
    zone,
  };
}

/** Of a cluster's key: the same key of another cluster has another one, so nobody learns that they share it. */
export function keyFileName(clusterUid: string, key: string): string {
  const digest = createHash("sha256").update(`mailfleet spamhaus key\0${clusterUid}\0${key}`).digest("hex");
  return `key-${digest.slice(0, 16)}`;
}

/** Name of the file that a section's key stands in. */
export function keyFileOf({ keyfile }: SpamhausSection): string {
  return keyfile.slice(keyfile.lastIndexOf("/") + 1);
}

/** What has to be tried out before it is used: two sections with the same one differ in nothing that a lookup could fail by. */
export function probedPart({ keyfile, lists, resolvers, zone }: SpamhausSection): string {
  return JSON.stringify([keyfile, lists, resolvers, zone]);
}

/** The part of ours in a smtpd-app.yaml that we have rendered, and so have checked; null when there is none. */
export function sectionIn(app: string): SpamhausSection | null {
  if (!app.includes(paths.spamhaus)) return null; // Most clusters: nothing to parse.
  const section = (load(app) as { spamhaus?: SpamhausSection } | null)?.spamhaus;
  return section?.keyfile.startsWith(`${paths.spamhaus}/`) === true ? section : null;
}
