/** What tests of the operator rely on: a real API server that comes quickly, several at once, and an honest audit log. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { cacheFolder } from "../../tools/setup/programs.ts";
import { run } from "../peers/shell.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";

describe("a control plane alone", { timeout: 900_000 }, () => {
  let planes: readonly ControlPlane[] = [];
  before(async () => {
    planes = await Promise.all([startControlPlane(() => {}), startControlPlane(() => {})]);
  });
  after(() => Promise.all(planes.map((plane) => plane.stop())));

  it("keeps its objects to itself", async () => {
    await kubectl(plane(0), "create", "configmap", "mine", "--namespace=default");
    const names = await kubectl(plane(1), "get", "configmap", "--namespace=default", "--output=name");
    assert.doesNotMatch(names, /mine/);
  });

  it("lists writes in its audit log, and reads not", async () => {
    await kubectl(plane(0), "create", "configmap", "written", "--namespace=default");
    await kubectl(plane(0), "get", "configmap", "written", "--namespace=default");
    const lines = (await audit(plane(0))).filter((line) => line.includes('"name":"written"'));
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { verb: string }).verb),
      ["create"],
    );
  });

  it("writes nothing by itself once it is quiet", async () => {
    await eventually(async () => {
      const count = (await audit(plane(1))).length;
      await wait(1_500);
      return (await audit(plane(1))).length === count;
    });
  });

  it("collects what belongs to a deleted owner", async () => {
    await kubectl(plane(1), "create", "deployment", "owner", "--image=none", "--namespace=default");
    const replicaSets = ["get", "replicaset", "--namespace=default", "--output=name"];
    await eventually(async () => (await kubectl(plane(1), ...replicaSets)) !== "");
    await kubectl(plane(1), "delete", "deployment", "owner", "--namespace=default");
    await eventually(async () => (await kubectl(plane(1), ...replicaSets)) === "");
  });

  it("leaves nothing when it stops", async () => {
    const third = await startControlPlane(() => {});
    await third.stop();
    assert.equal(existsSync(dirname(third.kubeconfig)), false);
    await assert.rejects(kubectl(third, "get", "namespace"));
  });

  function plane(index: number): ControlPlane {
    const found = planes[index];
    assert.ok(found);
    return found;
  }
});

function kubectl(plane: ControlPlane, ...args: string[]): Promise<string> {
  return run(`${cacheFolder()}/bin/kubelab`, ["kubectl", "--kubeconfig", plane.kubeconfig, ...args]);
}

async function audit(plane: ControlPlane): Promise<string[]> {
  return (await readFile(plane.auditLog, "utf8")).split("\n").filter(Boolean);
}

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 900; tries++) {
    if (await isSo()) return;
    await wait(200);
  }
  assert.fail("it did not become so");
}
