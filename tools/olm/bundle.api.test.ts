/** The bundle for the Operator Lifecycle Manager, held against OLM's own checks and definitions, the chart and the rights. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { load } from "js-yaml";

import { definitions } from "#crds/definitions.ts";
import { rbac } from "#operator/rbac.ts";

import { run, tryRun } from "../../e2e/peers/shell.ts";
import { findProgram } from "../../helm/helm.ts";
import { Admin, apiServerFromEnvironment, prepare } from "../../operator/testing/api-server.ts";
import { foreignDefinitions } from "../foreign-definitions.ts";
import { bundleFiles } from "./bundle.ts";

interface Version {
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: {
    readonly version: string;
    readonly relatedImages: readonly { readonly image: string }[];
    readonly install: { readonly spec: Install };
  };
}

interface Install {
  readonly permissions: readonly { readonly serviceAccountName: string; readonly rules: unknown }[];
  readonly clusterPermissions: readonly { readonly rules: unknown }[];
  readonly deployments: readonly { readonly name: string; readonly label: object; readonly spec: Spec }[];
}

interface Spec {
  readonly template: {
    readonly spec: { readonly serviceAccountName: string; readonly containers: Container[] };
  };
}

interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
}

const server = apiServerFromEnvironment();
const files = await bundleFiles(["image.repository=registry.example/mailfleet-operator", "image.tag=9.9.9"]);
const text = (name: string): string => files.get(name) ?? assert.fail(`there is no ${name}`);
const version = load(text("manifests/mailfleet.clusterserviceversion.yaml")) as Version;
const [deployment] = version.spec.install.spec.deployments;

describe("the bundle", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "olm-"));
    for (const [name, content] of files) await writeFile(join(folder, basename(name)), content);
    for (const name of ["annotations.yaml", "bundle.Dockerfile"]) await rm(join(folder, name));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test("passes the checks of the operator framework without a warning", async () => {
    const verify = () => tryRun(findProgram("operator-verify"), ["manifests", folder]);
    assert.deepEqual(await verify(), { code: 0, stdout: "", stderr: "" });
    const path = join(folder, "mailfleet.clusterserviceversion.yaml");
    const good = text("manifests/mailfleet.clusterserviceversion.yaml");
    await writeFile(path, good.replace("version: 0.", "version: none-"));
    assert.notEqual((await verify()).code, 0, "they find what is wrong");
    await writeFile(path, good);
  });

  test("grants what the chart grants, and nothing else", () => {
    const { permissions, clusterPermissions } = version.spec.install.spec;
    assert.deepEqual(
      permissions.map(({ rules }) => rules),
      [[...rbac.workload, ...rbac.lease]],
    );
    assert.deepEqual(
      clusterPermissions.map(({ rules }) => rules),
      [[...rbac.nodes, ...rbac.namespaces]],
    );
    assert.equal(permissions[0]?.serviceAccountName, deployment?.spec.template.spec.serviceAccountName);
  });

  test("lets OLM say which namespaces, and names every image", () => {
    const env = deployment?.spec.template.spec.containers[0]?.env ?? [];
    const watched = env.find(({ name }) => name === "WATCH_NAMESPACES");
    const fieldPath = "metadata.annotations['olm.targetNamespaces']";
    assert.deepEqual(watched, { name: "WATCH_NAMESPACES", valueFrom: { fieldRef: { fieldPath } } });
    const images = version.spec.relatedImages.map(({ image }) => image);
    assert.equal(images[0], "registry.example/mailfleet-operator:9.9.9");
    const handedOn = env.filter(({ name }) => name.endsWith("_IMAGE"));
    assert.deepEqual(
      handedOn.map(({ name }) => name),
      ["MAILFLEET_ENGINE_IMAGE", "MAILFLEET_WEB_IMAGE"],
    );
    for (const { name, value } of handedOn) assert.ok(images.includes(value ?? ""), `${name} is among them`);
  });

  test("has its definitions as they are, and says of itself what its image says", () => {
    for (const definition of definitions)
      assert.deepEqual(load(text(`manifests/${definition.metadata.name}.crd.yaml`)), definition);
    const { annotations } = load(text("metadata/annotations.yaml")) as {
      annotations: Record<string, string>;
    };
    for (const [name, value] of Object.entries(annotations))
      assert.match(
        text("bundle.Dockerfile"),
        new RegExp(`^LABEL ${name}=${value.replace("+", "\\+")}$`, "m"),
      );
  });
});

describe("the bundle on a server", { skip: server === null }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const versions = "/apis/operators.coreos.com/v1alpha1/namespaces/mailfleet-system/clusterserviceversions";
  const tryOut = async (path: string, object: unknown): Promise<void> => {
    const query = "?fieldManager=test&force=true&dryRun=All&fieldValidation=Strict";
    const reply = await admin.call("PATCH", `${path}${query}`, object, "application/apply-patch+yaml");
    assert.ok(reply.status < 300, `${path}: ${String(reply.body["message"])}`);
  };

  before(async () => {
    await prepare(admin, ["mailfleet-system"]);
    const kubectl = ["--kubeconfig", server.kubeconfig, "apply", "--server-side", "-f"];
    for (const file of await foreignDefinitions("olm")) await run(findProgram("kubectl"), [...kubectl, file]);
    for (let tries = 0; (await admin.call("GET", versions)).status !== 200; tries++) {
      assert.ok(tries < 600, "the definitions are served");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

  test("is of the shape that OLM defines, and so is what OLM makes of it", async () => {
    const { name } = version.metadata;
    const own = { ...version.metadata, namespace: "mailfleet-system" };
    await tryOut(`${versions}/${name}`, { ...version, metadata: own });
    await tryOut("/apis/apps/v1/namespaces/mailfleet-system/deployments/mailfleet", {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: deployment?.name, namespace: "mailfleet-system", labels: deployment?.label },
      spec: deployment?.spec,
    });
  });

  test("offers examples that a server takes", async () => {
    const examples = JSON.parse(version.metadata.annotations["alm-examples"] ?? "[]") as {
      kind: string;
      metadata: { name: string };
    }[];
    assert.deepEqual(
      examples.map(({ kind }) => kind),
      ["MailCluster", "NativePlugin"],
    );
    for (const example of examples) {
      const path = `/apis/mailfleet.io/v1alpha1/namespaces/mailfleet-system/${example.kind.toLowerCase()}s`;
      const metadata = { ...example.metadata, namespace: "mailfleet-system" };
      await tryOut(`${path}/${example.metadata.name}`, { ...example, metadata });
    }
  });
});
