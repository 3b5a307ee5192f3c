import assert from "node:assert/strict";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { dump, load } from "js-yaml";

import { MailCluster } from "#crds/mail-cluster.ts";
import { parseEngineConfig } from "#contract/config.ts";
import { OidcConfig, WebConfig } from "#web/server/web-config.ts";
import type { CustomObject } from "#operator/kube/objects.ts";
import { resolvePlugins } from "#operator/plugins/resolve.ts";

import { aContext } from "../../testing/builders.ts";
import { app } from "../../testing/whole.ts";
import { readAdminSecret } from "./admin-secret.ts";
import { claim } from "./claim.ts";
import { configMap, isStaleConfigMap, readConfigMap } from "./config-map.ts";
import type { Context } from "./context.ts";
import { disruptionBudget } from "./disruption-budget.ts";
import { plan } from "./plan.ts";
import { pod, podHashOf } from "./pod.ts";
import { webDeployment } from "./web-deployment.ts";
import { webConfig } from "./web-secret.ts";

interface Input {
  readonly spec: Record<string, unknown>;
  readonly plugins?: readonly CustomObject[];
  readonly hasImageVolumes?: boolean;
  readonly isDeleting?: boolean;
}

const admin = { token: "token", ca: "ca", cert: "cert", key: "key" };
const web = { sessionKey: "session-key", password: "password" };
const keys = new Map([["key-of-spamhaus", "abcdefgh"]]);
const testdata = new URL("testdata/", import.meta.url);

function contextOf(input: Input): Context {
  const { spec } = MailCluster.parse({ metadata: { name: "outbound" }, spec: input.spec });
  const find = (name: string): CustomObject | null =>
    input.plugins?.find(({ metadata }) => metadata.name === name) ?? null;
  const { plugins, problems } = resolvePlugins(spec.plugins, find);
  assert.deepEqual(problems, []);
  const { operator } = aContext();
  return aContext({
    spec: input.spec,
    plugins,
    isDeleting: input.isDeleting ?? false,
    operator: { ...operator, hasImageVolumes: input.hasImageVolumes ?? true },
  });
}

function objectsOf(context: Context): readonly unknown[] {
  return [
    ...plan(context, admin, keys, context.spec.webAdmin.enabled ? web : null).map(({ object }) => object),
    claim(context, 1),
    pod(context, 1),
  ];
}

describe("desired objects", async () => {
  const inputs = (await readdir(testdata)).filter((name) => name.endsWith(".in.yaml"));
  for (const name of inputs) {
    it(`${name} yields its golden objects`, async () => {
      const input = load(await readFile(new URL(name, testdata), "utf8")) as Input;
      const options = { noRefs: true, lineWidth: -1, sortKeys: true } as const;
      const text = objectsOf(contextOf(input))
        .map((object) => dump(object, options))
        .join("---\n");
      const golden = new URL(name.replace(".in.yaml", ".golden.yaml"), testdata);
      if (process.env["UPDATE_GOLDEN"] === "1") await writeFile(golden, text);
      assert.equal(text, await readFile(golden, "utf8"));
    });
  }
});

describe("the pod's hash", () => {
  const hashOf = (spec: Record<string, unknown>): string => podHashOf(aContext({ spec }), 0);
  const base = hashOf({});

  it("is the same for the same spec", () => assert.equal(hashOf({}), base));

  it("does not change with what a reload can change", () => {
    const app = { transportgroups: [{ id: "other", transports: [{ id: "other" }] }] };
    assert.equal(hashOf({ config: { app } }), base);
    const rules = { policy: { policies: [{ default: { concurrency: 1 } }] }, suspend: { suspends: [{}] } };
    assert.equal(hashOf({ config: { app: aContext().spec.config.app, ...rules } }), base);
  });

  it("changes with each word by which people ask for a restart, and is as ever without one", () => {
    const asked = (restart: string | null): string => podHashOf(aContext({ restart }), 0);
    assert.equal(asked(null), base);
    assert.equal(new Set([base, asked("once"), asked("twice")]).size, 3);
    assert.equal(asked("once"), asked("once"));
  });

  it("changes with what only a restart can change", () => {
    const { config } = aContext().spec;
    const app = config.app;
    const changes: Record<string, unknown>[] = [
      { engine: { image: "other" } },
      { listeners: [{ name: "smtp", port: 26 }] },
      { config: { app, startup: { logLevel: "debug" } } },
      { podTemplate: { labels: { a: "b" } } },
      { podTemplate: { annotations: { a: "b" } } },
    ];
    const hashes = changes.map(hashOf);
    assert.equal(new Set([base, ...hashes]).size, changes.length + 1);
  });

  it("does not change with the number of pods", () => assert.equal(hashOf({ replicas: 9 }), base));
});

describe("objects one by one", () => {
  it("the budget never blocks the drain of a node with the only pod", () => {
    assert.equal(disruptionBudget(aContext({ size: 1 }))?.spec.minAvailable, 0);
    assert.equal(disruptionBudget(aContext({ size: 4 }))?.spec.minAvailable, 3);
    assert.equal(disruptionBudget(aContext({ size: 0 })), null);
  });

  it("a pod that drains a deleted cluster is owned by nobody", () => {
    assert.equal(pod(aContext({ isDeleting: true }), 0).metadata.ownerReferences, undefined);
    assert.equal(pod(aContext(), 0).metadata.ownerReferences?.[0]?.uid, "uid-outbound");
  });

  it("no claim is ever owned: mail outlives the cluster", () => {
    assert.equal(claim(aContext(), 0).metadata.ownerReferences, undefined);
  });

  it("a ConfigMap gives back what it was made from, and what it holds starts an engine", () => {
    const context = aContext();
    const files = readConfigMap(configMap(context));
    assert.deepEqual(files, context.config);
    assert.equal(parseEngineConfig(context.config).ok, true);
    const { "smtpd-policy.yaml": _, "smtpd-suspend.yaml": __, ...early } = configMap(context).data ?? {};
    const before = readConfigMap({ ...configMap(context), data: early });
    assert.deepEqual(before, { ...context.config, policy: "", suspend: "" });
  });

  it("a ConfigMap is stale when no pod was made with it and nobody goes back to it", () => {
    const context = aContext();
    const map = configMap(context);
    assert.equal(isStaleConfigMap(context.cluster, map, { inUse: new Set() }), true);
    assert.equal(
      isStaleConfigMap(context.cluster, map, { inUse: new Set([context.config.revision]) }),
      false,
    );
    const foreign = { ...map, metadata: { ...map.metadata, name: "of-somebody-else" } };
    assert.equal(isStaleConfigMap(context.cluster, foreign, { inUse: new Set() }), false);
  });

  it("the admin secret gives back its parts, or nothing when one is missing", () => {
    const secret = plan(aContext(), admin, new Map(), null).find(
      ({ object }) => object.kind === "Secret",
    )?.object;
    assert.ok(secret !== undefined);
    assert.deepEqual(readAdminSecret(secret), admin);
    assert.equal(readAdminSecret({ ...secret, data: { token: "eA==" } }), null);
  });
});

it("writes a configuration for the web administration that its server takes, with no secret in it", async () => {
  const input = load(await readFile(new URL("web.in.yaml", testdata), "utf8")) as Input;
  const { oidc, proxy } = WebConfig.parse(load(webConfig(contextOf(input))));
  assert.deepEqual(
    [oidc?.url, oidc?.clientsecretfile, oidc?.roles, proxy?.roles],
    [
      "https://mail.example.org",
      "/run/secrets/mailfleet/oidc/client-secret",
      { postmasters: "operator" },
      { "mail-team": "operator" },
    ],
  );
});

it("hands the provider's authority and signature to the web administration, which knows the same ones", () => {
  const oidc = {
    issuer: "https://login.example.org",
    clientId: "mailfleet",
    url: "https://mail.example.org",
  };
  const webOf = (more: object): Context =>
    aContext({ spec: { webAdmin: { enabled: true, oidc: { ...oidc, ...more } } } });
  const configOf = (more: object) => WebConfig.parse(load(webConfig(webOf(more)))).oidc;
  const volumesOf = (more: object) =>
    webDeployment(webOf(more), "web:test").spec.template.spec.volumes?.filter(
      ({ name }) => name === "oidc-ca",
    );
  for (const algorithm of OidcConfig.shape.algorithm.unwrap().options)
    assert.equal(configOf({ algorithm })?.algorithm, algorithm);
  const items = [{ key: "root.pem", path: "root.pem" }];
  assert.deepEqual(volumesOf({ ca: { configMapName: "roots", key: "root.pem" } }), [
    { name: "oidc-ca", configMap: { name: "roots", items } },
  ]);
  assert.deepEqual(volumesOf({ ca: { secretName: "roots", key: "root.pem" } }), [
    { name: "oidc-ca", secret: { secretName: "roots", items } },
  ]);
  assert.equal(configOf({ ca: { secretName: "roots" } })?.ca, "/run/secrets/mailfleet/oidc-ca/ca.crt");
  assert.deepEqual(volumesOf({}), []);
  assert.doesNotMatch(webConfig(webOf({})), /algorithm|oidc-ca/);
});

it("gives the web administration no rights, no token and no way to the API server unless it may order roll-outs, and is held to them", () => {
  const { operator } = aContext({ spec: { config: { app } } });
  const webObjects = (rolloutOrders: boolean, hasOrdersPolicy: boolean): readonly string[] => {
    const spec = { config: { app }, webAdmin: { enabled: true, rolloutOrders } };
    const context = aContext({ spec, operator: { ...operator, hasOrdersPolicy } });
    const objects = plan(context, admin, keys, web).map(({ object }) => object);
    return objects
      .filter(({ metadata }) => metadata.name.endsWith("-web"))
      .map((each) => JSON.stringify(each));
  };
  const seen = (rolloutOrders: boolean, hasOrdersPolicy: boolean, what: RegExp): boolean =>
    webObjects(rolloutOrders, hasOrdersPolicy).some((text) => what.test(text));
  for (const what of [
    /"Role"/,
    /"RoleBinding"/,
    /"automountServiceAccountToken":true/,
    /6443/,
    /MAILFLEET_CLUSTER_NAME/,
  ]) {
    assert.equal(seen(false, true, what), false, String(what));
    assert.equal(seen(true, false, what), false, String(what));
    assert.equal(seen(true, true, what), true, String(what));
  }
});
