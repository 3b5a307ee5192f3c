/** The plugin as people run it: a process, the real kubectl, a real API server. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";

import { findProgram } from "../../../helm/helm.ts";
import { Admin, apiServerFromEnvironment, readYaml } from "../../testing/api-server.ts";
import { app } from "../../testing/whole.ts";

const server = apiServerFromEnvironment();
const entry = new URL("../kubectl-mailfleet.ts", import.meta.url).pathname;
const run = promisify(execFile);

describe("kubectl mailfleet against a real API server", { skip: server === null }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const namespace = `plugin-${Date.now().toString(36)}`;
  const path = `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}/mailclusters/out`;
  const folder = mkdtempSync(join(tmpdir(), "plugin-"));
  const mailfleet = async (...args: readonly string[]) => {
    const env = { ...process.env, KUBECTL: findProgram("kubectl") };
    const where = ["--kubeconfig", server.kubeconfig, "-n", namespace];
    const argv = ["--disable-warning=ExperimentalWarning", entry, ...args, ...where];
    const result = await run(process.execPath, argv, { env, cwd: folder }).catch(
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
    return { code: "code" in result ? result.code : 0, stdout: result.stdout, stderr: result.stderr };
  };
  const annotations = async (): Promise<Record<string, string>> => {
    const { body } = await admin.call("GET", path);
    return (body["metadata"] as { annotations?: Record<string, string> }).annotations ?? {};
  };

  before(async () => {
    const crd = readYaml(new URL("../../../crds/generated/mailclusters.mailfleet.io.yaml", import.meta.url));
    const name = "mailclusters.mailfleet.io";
    await admin.apply(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`, crd);
    const space = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
    await admin.apply(`/api/v1/namespaces/${namespace}`, space);
    const cluster = {
      apiVersion: "mailfleet.io/v1alpha1",
      kind: "MailCluster",
      metadata: { name: "out", namespace },
      spec: { replicas: 3, config: { app } },
    };
    for (let i = 0; i < 400; i++) {
      const { status } = await admin.apply(path, cluster);
      if (status < 300) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.fail("the cluster was not taken");
  });

  after(async () => {
    await admin.call("DELETE", `/api/v1/namespaces/${namespace}`);
    rmSync(folder, { recursive: true, force: true });
  });

  test("status shows a cluster, and all of them", async () => {
    const one = await mailfleet("status", "out");
    assert.equal(one.code, 0, one.stderr);
    assert.match(one.stdout, /^MailCluster out in plugin-\w+: the operator has not looked at it yet/);
    assert.match((await mailfleet("status")).stdout, /^out +the operator/);
  });

  test("what people say to a roll-out becomes annotations, and goes again", async () => {
    assert.equal((await mailfleet("pause", "out", "--all")).code, 0);
    assert.equal((await mailfleet("promote", "out")).code, 0);
    assert.deepEqual(await annotations(), {
      "mailfleet.io/paused": "true",
      "mailfleet.io/rollout": "promote",
    });
    assert.equal((await mailfleet("resume", "out")).code, 0);
    assert.deepEqual(await annotations(), {});
  });

  test("drain names the slots and shrinks the cluster by as many", async () => {
    const { code, stderr } = await mailfleet("drain", "out", "0", "2");
    assert.equal(code, 0, stderr);
    assert.equal((await annotations())["mailfleet.io/remove-slots"], "0,2");
    const { body } = await admin.call("GET", path);
    assert.equal((body["spec"] as { replicas: number }).replicas, 1);
    assert.equal((await mailfleet("scale", "out", "2")).code, 0);
  });

  test("a bundle can be had of a cluster that has no pods, and names what was not to be had", async () => {
    const { code, stdout, stderr } = await mailfleet("report", "out", "-o", "r.tar.gz");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^r\.tar\.gz: \d+ files, redacted/);
    const text = gunzipSync(readFileSync(join(folder, "r.tar.gz"))).toString("latin1");
    assert.match(text, /mailcluster\.json/);
    assert.match(text, /"kind": "MailCluster"/);
  });

  test("what is refused ends with 1 and kubectl's words, a wrong call with 2 and the usage", async () => {
    const missing = await mailfleet("status", "nobody");
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /not found/);
    assert.match(
      (await mailfleet("send", "out", "--from", "a@b.net", "--to", "c@d.net")).stderr,
      /no pod is ready/,
    );
    const wrong = await mailfleet("explode", "out");
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /kubectl mailfleet status/);
  });
});
