/**
 * Keeps what this version of the operator makes of a few clusters, for the test of upgrades of later ones
 * (../upgrade.test.ts): `node helm/testdata/keep-version.ts` before a release, in its checkout. The keys in it are good
 * for nothing else; leases and events are left out.
 */
import { writeFileSync } from "node:fs";

import { type CustomObject, type KubeObject, resources } from "#operator/kube/objects.ts";

import { NAMESPACE, Whole } from "../../operator/testing/whole.ts";

const transportgroups = [{ id: "default", transports: [{ id: "default" }] }];
/** Keys of what is free are in alphabetical order, as an API server hands them out: revisions are hashes of text. */
const specs: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  plain: { replicas: 2, config: { app: { transportgroups } } },
  shaped: {
    replicas: 1,
    listeners: [
      { name: "smtp", port: 25 },
      { name: "submission", port: 587, type: "submission", tls: { secretName: "mail-tls" } },
    ],
    storage: { size: "5Gi" },
    engine: { env: [{ name: "A", value: "b" }], resources: { limits: { memory: "2Gi" } } },
    config: {
      app: { transportgroups },
      policy: { policies: [{ default: { concurrency: 5 }, fields: ["recipientdomain"] }] },
    },
  },
  elastic: {
    autoscaling: { mode: "Internal", minReplicas: 1, maxReplicas: 5 },
    config: { app: { transportgroups } },
  },
};

const whole = new Whole();
for (const [name, spec] of Object.entries(specs))
  whole.kube.seed<CustomObject>(resources.mailClusters, {
    apiVersion: "mailfleet.io/v1alpha1",
    kind: "MailCluster",
    metadata: { name, namespace: NAMESPACE },
    spec,
  });
const operator = whole.start();
for (const name of Object.keys(specs))
  await whole.until(
    `${name} is settled`,
    () =>
      whole.condition("Ready", name) === "True AllPodsReady" &&
      whole.condition("Reconciling", name) === "False Settled",
    500,
  );
await operator.stop();

const left = new Set(["leases", "events"]);
const kept = Object.entries(resources).flatMap(([kind, resource]) =>
  left.has(kind) ? [] : whole.kube.peekAll<KubeObject>(resource).map((object) => ({ kind, object })),
);
const path = new URL("version/objects.json", import.meta.url);
writeFileSync(path, `${JSON.stringify(kept, null, 1)}\n`);
