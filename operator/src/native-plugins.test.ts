/** The life of a NativePlugin in a whole operator: checked before use, taken back, held while it is used. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { EngineStatus } from "#contract/admin-api.ts";
import type { PluginCheck } from "#contract/plugin-check.ts";
import type { KubeObject } from "#operator/kube/kube.ts";
import { type CustomObject, type Pod, resources } from "#operator/kube/objects.ts";

import { NAMESPACE, Whole, cluster } from "../testing/whole.ts";

const SHA = "a".repeat(64);
const good: PluginCheck = {
  refusal: null,
  sha256: SHA,
  roles: ["script", "queue"],
  exported: ["Halon_hsl_register", "Halon_version"],
  abiVersion: 560001,
};

function plugin(name: string): CustomObject {
  return {
    apiVersion: "mailfleet.io/v1alpha1",
    kind: "NativePlugin",
    metadata: { name, namespace: NAMESPACE },
    spec: { source: { image: { reference: `registry.example/${name}:1`, path: `${name}.so` } } },
  };
}

const READY = "True AllPodsReady";

function worldWith(verdict: (name: string) => string | null, spec: Record<string, unknown> = {}) {
  const whole = new Whole();
  whole.node.checkOf = verdict;
  whole.kube.seed(resources.nativePlugins, plugin("geo"));
  whole.kube.seed(resources.mailClusters, cluster({ replicas: 1, plugins: [{ name: "geo" }], ...spec }));
  return { whole, operator: whole.start() };
}

const pluginOf = (whole: Whole, name = "geo") =>
  whole.kube.peek<CustomObject>(resources.nativePlugins, NAMESPACE, name);
function said(whole: Whole, type: string): string {
  const { conditions = [] } = (pluginOf(whole)?.status ?? {}) as {
    conditions?: { type: string; status: string; reason: string; message: string }[];
  };
  const found = conditions.find((condition) => condition.type === type);
  return found === undefined ? "" : `${found.status} ${found.reason} ${found.message}`;
}
const checks = (whole: Whole): readonly Pod[] =>
  whole.kube
    .peekAll<Pod>(resources.pods)
    .filter(({ metadata }) => metadata.labels?.["mailfleet.io/checked-plugin"] !== undefined);

describe("a NativePlugin", () => {
  test("is opened in a pod that can reach nothing before any pod of a cluster is made with it", async () => {
    let verdict: string | null = null;
    const engine = { pullSecrets: [{ name: "registry" }] };
    const { whole, operator } = worldWith(() => verdict, { engine });
    await whole.until("a check", () => checks(whole).length === 1);
    const [pod] = checks(whole);
    assert.deepEqual(pod?.spec.imagePullSecrets, [{ name: "registry" }]);
    assert.equal(pod?.spec.automountServiceAccountToken, false);
    assert.deepEqual(pod?.spec.containers[0]?.command, ["plugin-check"]);
    assert.deepEqual(pod?.spec.volumes?.[0]?.image?.reference, "registry.example/geo:1");
    const [policy] = whole.kube
      .peekAll(resources.networkPolicies)
      .filter(({ metadata }) => metadata.name.startsWith("plugin-check")) as unknown as {
      spec: Record<string, unknown>;
    }[];
    assert.deepEqual(policy?.spec["policyTypes"], ["Ingress", "Egress"]);
    await whole.until("told", () => whole.condition("PluginsReady") === "Unknown NotChecked");
    assert.equal(whole.names("pods").includes("out-0"), false);
    verdict = JSON.stringify(good);
    await whole.until("ready", () => whole.condition("Ready") === READY);
    assert.equal(checks(whole).length, 0);
    assert.equal(
      said(whole, "Checked"),
      "True Passed script, queue; pods get it by its tag: the node told no digest of a registry for it",
    );
    const { checked } = (pluginOf(whole)?.status ?? {}) as { checked?: Record<string, unknown> };
    assert.deepEqual([checked?.["sha256"], checked?.["abiVersion"]], [SHA, 560001]);
    await operator.stop();
  });

  test("that the engine would refuse is told with the reason, and no pod gets it", async () => {
    const refusal = "it is built for arm64, this is x64";
    const { whole, operator } = worldWith(() => JSON.stringify({ ...good, refusal, abiVersion: null }));
    await whole.until("refused", () => said(whole, "Checked") === `False Refused ${refusal}`);
    await whole.until("told", () => whole.condition("PluginsReady") === "False Refused");
    assert.equal(whole.message("Stalled"), `NativePlugin "geo": ${refusal}`);
    // The one that looked goes by itself, and none follows.
    await whole.until("no pod", () => whole.names("pods").length === 0);
    await operator.stop();
  });

  test("that brings the checking program down is refused", async () => {
    const { whole, operator } = worldWith(() => "");
    await whole.until("refused", () =>
      said(whole, "Checked").startsWith("False Refused the program that opened"),
    );
    await operator.stop();
  });

  test("whose pod is evicted before the program has spoken is opened in another one", async () => {
    let verdict: string | null = null;
    const { whole, operator } = worldWith(() => verdict);
    await whole.until("a check", () => checks(whole).length === 1);
    const [first] = checks(whole);
    whole.kube.setStatus(resources.pods, NAMESPACE, first?.metadata.name ?? "", {
      phase: "Failed",
      conditions: [{ type: "DisruptionTarget", status: "True" }],
    });
    await whole.until("another check", () => {
      const [pod] = checks(whole);
      return pod !== undefined && pod.metadata.uid !== first?.metadata.uid;
    });
    verdict = JSON.stringify(good);
    await whole.until("ready", () => whole.condition("Ready") === READY);
    await operator.stop();
  });

  for (const kind of ["pods", "networkPolicies"] as const)
    test(`is not judged by what an earlier one of its name has left: ${kind}`, async () => {
      const whole = new Whole();
      whole.node.checkOf = () => JSON.stringify(good);
      const name = kind === "pods" ? "plugin-check-geo-1" : "plugin-check-geo";
      const { apiVersion, kind: type } = resources[kind];
      const old = { apiVersion, kind: type, metadata: { name, namespace: NAMESPACE }, spec: {} };
      const phase = { phase: "Failed", containerStatuses: [] };
      whole.kube.seed(resources[kind], { ...old, status: phase } as KubeObject);
      whole.node.broken.add(name);
      whole.kube.seed(resources.nativePlugins, plugin("geo"));
      whole.kube.seed(resources.mailClusters, cluster({ replicas: 1, plugins: [{ name: "geo" }] }));
      const operator = whole.start();
      await whole.until("said so", () => said(whole, "Checked").includes("is not of this NativePlugin"));
      assert.equal(whole.names(kind).includes(name), true);
      whole.kube.discard(resources[kind], NAMESPACE, name);
      await whole.until("ready", () => whole.condition("Ready") === READY);
      await operator.stop();
    });

  test("is checked anew when its spec changes, while pods go on with what they have", async () => {
    let verdict: string | null = JSON.stringify(good);
    const { whole, operator } = worldWith(() => verdict);
    await whole.until("ready", () => whole.condition("Ready") === READY);
    verdict = null;
    whole.kube.edit<CustomObject>(resources.nativePlugins, NAMESPACE, "geo", (copy) => {
      Object.assign(copy.spec as object, {
        source: { image: { reference: "registry.example/geo:2", path: "geo.so" } },
      });
    });
    await whole.until("a second check", () => checks(whole).length === 1);
    await whole.turns(20);
    const image = (): string | undefined =>
      whole.kube
        .peekAll<Pod>(resources.pods)
        .find(({ metadata }) => metadata.name === "out-0")
        ?.spec.volumes?.find(({ name }) => name === "plugin-geo")?.image?.reference;
    assert.equal(image(), "registry.example/geo:1");
    verdict = JSON.stringify(good);
    await whole.until("replaced", () => image() === "registry.example/geo:2");
    await operator.stop();
  });

  test("is run by the digest that was checked, and a tag that has moved is a revision of its own", async () => {
    const image = (digest: string): string => `registry.example/geo@sha256:${digest.repeat(64)}`;
    const { whole, operator } = worldWith(() => JSON.stringify(good), {
      replicas: 2,
      rollout: { canary: { pods: 1, bakeSeconds: 60 } },
    });
    whole.node.imageRefOf = () => image("1");
    const imagesOfPods = (): readonly (string | undefined)[] =>
      ["out-0", "out-1"].map(
        (slot) =>
          whole.kube
            .peekAll<Pod>(resources.pods)
            .find(({ metadata }) => metadata.name === slot)
            ?.spec.volumes?.find(({ name }) => name === "plugin-geo")?.image?.reference,
      );
    await whole.until("ready", () => whole.condition("Ready") === READY);
    assert.deepEqual(imagesOfPods(), [image("1"), image("1")]);
    assert.match(
      said(whole, "Checked"),
      /^True Passed script, queue; pods get registry\.example\/geo@sha256:1/,
    );
    const targetOf = (): string | undefined => {
      const { revision } = (whole.cluster()?.status ?? {}) as { revision?: Record<string, string> };
      return revision?.["target"];
    };
    const first = targetOf();

    whole.node.imageRefOf = () => image("2");
    await whole.turns(20);
    assert.deepEqual(imagesOfPods(), [image("1"), image("1")]);
    whole.kube.edit<CustomObject>(resources.nativePlugins, NAMESPACE, "geo", (copy) => {
      Object.assign(copy.metadata, { annotations: { "mailfleet.io/recheck": "the tag has moved" } });
    });
    const isTried = (): boolean => imagesOfPods().toSorted().join() === [image("1"), image("2")].join();
    await whole.until("one pod tries it", isTried, 500);
    assert.notEqual(targetOf(), first);
    whole.edit(({ metadata }) => {
      Object.assign(metadata, { annotations: { "mailfleet.io/rollout": "rollback" } });
    });
    await whole.until("taken back", () => imagesOfPods().every((each) => each === image("1")), 500);
    await operator.stop();
  });

  test("goes into quarantine when engines end again and again because of it", async () => {
    const { whole, operator } = worldWith(() => JSON.stringify(good), { plugins: [] });
    await whole.until("ready", () => whole.condition("Ready") === READY);
    whole.edit(({ spec }) => {
      spec["plugins"] = [{ name: "geo" }];
    });
    const mounts = (): boolean =>
      whole.kube
        .peekAll<Pod>(resources.pods)
        .some(({ spec }) => spec.volumes?.some(({ name }) => name === "plugin-geo") === true);
    await whole.until("a pod has it", mounts);
    whole.node.broken.add("out-0");
    await whole.until("crashing", () => {
      const pod = whole.kube.peekAll<Pod>(resources.pods).find(({ metadata }) => metadata.name === "out-0");
      if (pod === undefined || !mounts()) return false;
      whole.kube.setStatus(resources.pods, NAMESPACE, "out-0", {
        phase: "Running",
        containerStatuses: [
          {
            name: "mta",
            restartCount: 3,
            lastState: { terminated: { exitCode: 139, message: "x\ncrash in plugin geo, function look" } },
          },
        ],
      });
      return true;
    });
    await whole.until("quarantine", () => said(whole, "Quarantined").startsWith("True CrashLoop"));
    assert.match(
      said(whole, "Quarantined"),
      /^True CrashLoop engines of out ended 3 times with revision \S+, last out-0 with: crash in plugin geo, function look$/,
    );
    whole.node.broken.delete("out-0");
    await whole.until("taken back", () => !mounts() && whole.names("pods").includes("out-0"), 500);
    assert.equal(whole.condition("PluginsReady"), "False Quarantined");
    await operator.stop();
  });

  test("that ends canary pods is named, and each try counts though its pod is made anew", async () => {
    const { whole, operator } = worldWith(() => JSON.stringify(good), {
      replicas: 2,
      plugins: [],
      rollout: { canary: { pods: 1, bakeSeconds: 600 } },
    });
    await whole.until("ready", () => whole.condition("Ready") === READY);
    const mounting = (): Pod | undefined =>
      whole.kube
        .peekAll<Pod>(resources.pods)
        .find(
          ({ metadata, spec }) =>
            metadata.name.startsWith("out-") && spec.volumes?.some(({ name }) => name === "plugin-geo"),
        );
    const crash = (): void => {
      const pod = mounting();
      assert.ok(pod);
      const ended = { exitCode: 139, message: "crash in plugin geo, function look" };
      whole.kube.setStatus(resources.pods, NAMESPACE, pod.metadata.name, {
        ...pod.status,
        containerStatuses: [{ name: "mta", restartCount: 1, lastState: { terminated: ended } }],
      });
    };
    const rolledBack = (): boolean => whole.condition("RolloutComplete") === "False RolledBack";

    whole.edit(({ spec }) => {
      spec["plugins"] = [{ name: "geo" }];
    });
    await whole.until("tried", () => mounting()?.status?.phase === "Running", 500);
    crash();
    await whole.until("taken back", () => rolledBack() && mounting() === undefined, 500);
    assert.match(whole.message("RolloutComplete"), /NativePlugin "geo": crash in plugin geo, function look/);
    await whole.until("noted", () => said(whole, "Quarantined").startsWith("False Crashed"), 500);
    assert.match(said(whole, "Quarantined"), /ended once with revision/);

    // People insist: each pod that gets it is ended in its turn, once.
    whole.edit(({ metadata }) => {
      metadata.annotations = { "mailfleet.io/rollout": "promote" };
    });
    for (const times of [2, 3]) {
      await whole.until("another one", () => mounting()?.status?.phase === "Running", 500);
      crash();
      await whole.until("noted", () => said(whole, "Quarantined").includes(`ended ${times} times`), 500);
      const pod = mounting();
      if (pod !== undefined && times === 2) whole.kube.discard(resources.pods, NAMESPACE, pod.metadata.name);
    }
    assert.match(said(whole, "Quarantined"), /^True CrashLoop/);
    await whole.until("told", () => whole.condition("PluginsReady") === "False Quarantined", 500);
    const events = (whole.kube.peekAll(resources.events) as unknown as { reason: string }[]).map(
      ({ reason }) => reason,
    );
    assert.ok(events.includes("PluginCrashed"));
    await operator.stop();
  });

  test("cannot be deleted while a cluster refers to it, and goes when none does", async () => {
    const { whole, operator } = worldWith(() => JSON.stringify(good));
    await whole.until("ready", () => whole.condition("Ready") === READY);
    const { uid = "" } = pluginOf(whole)?.metadata ?? {};
    await whole.kube.delete(
      { resource: resources.nativePlugins, namespace: NAMESPACE, name: "geo" },
      { uid },
    );
    await whole.until("blocked", () => said(whole, "DeletionBlocked").startsWith("True InUse"));
    assert.equal(checks(whole).length, 0);
    whole.edit(({ spec }) => {
      spec["plugins"] = [];
    });
    await whole.until("gone", () => pluginOf(whole) === null);
    await operator.stop();
  });

  test("shows who runs it and what it offers, as the engines say", async () => {
    const { whole, operator } = worldWith(() => JSON.stringify(good));
    await whole.until("ready", () => whole.condition("Ready") === READY);
    const state: EngineStatus["plugins"][number] = {
      id: "geo",
      path: "/opt/halon/plugins/geo/geo.so",
      state: "present",
      sha256: SHA,
      roles: ["script"],
      functions: ["locate", "module:near"],
      abiVersion: 560001,
    };
    whole.engines.change(whole.node.addressOf("out-0"), { plugins: [state] });
    await whole.until("told", () => said(whole, "Ready").startsWith("True Present"), 500);
    const status = pluginOf(whole)?.status as Record<string, unknown>;
    assert.deepEqual([status["pods"], status["functions"]], [1, ["locate", "module:near"]]);
    await whole.until("in the cluster", () => whole.condition("PluginsReady") === "True Present", 500);
    const { plugins } = (whole.cluster()?.status ?? {}) as { plugins?: unknown[] };
    assert.deepEqual(plugins, [
      {
        name: "geo",
        state: "Present",
        sha256: SHA,
        pods: 1,
        roles: ["script"],
        functions: ["locate", "module:near"],
        abiVersion: 560001,
      },
    ]);
    await operator.stop();
  });
});
