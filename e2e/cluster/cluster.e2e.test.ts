/**
 * What scenarios rely on, shown on a cluster of its own beside the usual one: names, volumes, images as volumes,
 * Services, and that neither a kill nor an end leaves anything behind. Needs root; a cluster of somebody else cannot
 * be killed, so with MAILFLEET_KUBECONFIG there is nothing to show.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { buildImage } from "../../tools/image/buildah.ts";
import { run, tryRun } from "../peers/shell.ts";

// The folder decides about everything else, so it is set before the cluster's modules are read.
const state = "/var/lib/mailfleet-proof";
process.env["MAILFLEET_STATE"] = state;
const { closeCluster, openCluster, ownCluster } = await import("./cluster.ts");
const { networkNamespace, nodeAddress } = await import("./places.ts");

const quiet = (): void => {};
const nodePort = 30_080;
const foreign = (process.env["MAILFLEET_KUBECONFIG"] ?? "") !== "";
const { kubectl } = ownCluster;

describe("the test cluster", { skip: foreign, timeout: 300_000 }, () => {
  before(async () => {
    await openCluster(quiet);
    await importSmallImage();
    await startPod();
  });
  after(() => closeCluster(quiet));

  it("resolves the names of Services and of the world outside, and of nothing else", async () => {
    await ownCluster.setOutsideRecords(["sink 60 IN A 192.0.2.7"]);
    assert.match(await lookUp("web.default.svc.cluster.local."), /Address:\s+10\.96\./);
    await eventually(async () => /192\.0\.2\.7/.test(await lookUp("sink.test.")));
    assert.match(await lookUp("www.example.org."), /NXDOMAIN/);
  });

  it("lets a pod that is not root write to its claim through fsGroup", async () => {
    assert.equal(await inPod("id", "-u"), "1000");
    assert.equal(await inPod("stat", "-c", "%g", "/data/file"), "2000");
    assert.equal(await inPod("cat", "/data/file"), "kept");
  });

  it("mounts an image as a read-only volume", async () => {
    assert.equal(await inPod("cat", "/extra/greeting"), "hello");
    await assert.rejects(inPod("touch", "/extra/new"), /[Rr]ead-only/);
  });

  it("answers under the node's address for a Service with externalTrafficPolicy Local", async () => {
    assert.equal(await fetchFromNode(), "kept");
  });

  it("lists the write of a pod in the audit log", async () => {
    const log = await readFile(ownCluster.auditLog ?? "", "utf8");
    assert.match(log, /"verb":"create".*"resource":"pods"/);
  });

  it("comes up anew after everything was killed, containers and all", async () => {
    await killEverything();
    assert.equal((await containerProcesses()).length, 1, "the container outlives its shim");
    await openCluster(quiet);
    assert.deepEqual(await containerProcesses(), []);
    await importSmallImage();
    await startPod();
    assert.equal(await fetchFromNode(), "kept");
  });

  it("deletes the folder of a claim that is deleted", async () => {
    assert.equal((await readdir(`${state}/volumes`)).length, 1);
    await kubectl(["delete", "pod/web", "pvc/data", "--wait=true", "--grace-period=1"]);
    await eventually(async () => (await readdir(`${state}/volumes`)).length === 0);
  });

  it("leaves nothing when it goes down", async () => {
    await startPod();
    const groups = await containerGroups();
    assert.notDeepEqual(groups, []);
    await closeCluster(quiet);
    assert.equal(existsSync(state), false);
    assert.equal(existsSync(`/run/netns/${networkNamespace}`), false);
    assert.doesNotMatch(await readFile("/proc/self/mountinfo", "utf8"), /mailfleet-proof/);
    assert.deepEqual(await processes(), []);
    assert.deepEqual(await containerProcesses(), []);
    assert.deepEqual(
      groups.filter((group) => existsSync(group)),
      [],
    );
    assert.deepEqual(await linksIntoState("/var/log/containers"), []);
  });
});

/** Busybox under the names that the tests call, and a greeting; nothing else. */
async function importSmallImage(): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), "small-image-"));
  try {
    await mkdir(`${context}/root/bin`, { recursive: true });
    await run("cp", ["/bin/busybox", `${context}/root/bin/busybox`]);
    for (const name of ["sh", "cat", "id", "stat", "touch", "nslookup", "httpd"])
      await symlink("busybox", `${context}/root/bin/${name}`);
    await writeFile(`${context}/root/greeting`, "hello");
    const dockerfile = `${context}/Dockerfile`;
    await writeFile(dockerfile, 'FROM scratch\nCOPY root /\nENV PATH=/bin\nENTRYPOINT ["/bin/sh"]\n');
    const archive = `${context}/small.tar`;
    await buildImage({ name: "localhost/small:proof", dockerfile, context, archive });
    await ownCluster.importImage(archive);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

async function startPod(): Promise<void> {
  const manifest = await readFile(new URL("testdata/web.yaml", import.meta.url), "utf8");
  await kubectl(["apply", "-f", "-"], { input: manifest });
  await kubectl(["wait", "--for=condition=Ready", "pod/web", "--timeout=180s"]);
}

async function inPod(...command: string[]): Promise<string> {
  return (await kubectl(["exec", "web", "--", ...command])).trim();
}

async function lookUp(name: string): Promise<string> {
  const result = await inPod("sh", "-c", `nslookup -type=a ${name} 2>&1 || true`);
  // The first lines name the server that was asked.
  return result.split("\n").slice(2).join("\n");
}

async function fetchFromNode(): Promise<string> {
  const url = `http://${nodeAddress}:${nodePort}/file`;
  let body = "";
  await eventually(async () => {
    const program = `process.stdout.write(await (await fetch("${url}")).text())`;
    const result = await tryRun(process.execPath, ["--input-type=module", "--eval", program], {
      namespace: networkNamespace,
    });
    body = result.stdout;
    return result.code === 0;
  });
  return body;
}

/** Shims too, so that their containers are orphans: the worst that a machine can be left in. */
async function killEverything(): Promise<void> {
  for (const pid of await processes()) process.kill(pid, "SIGKILL");
}

/** All that name the cluster's folder. */
function processes(): Promise<number[]> {
  return processesThat((command) => command.includes(`${state}/`));
}

/** The server in the pod, told from others by its odd port. */
function containerProcesses(): Promise<number[]> {
  return processesThat((command) => command === "httpd -f -p 18080 -h /data");
}

async function processesThat(isMeant: (command: string) => boolean): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number)) {
    const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (pid !== process.pid && isMeant(text.replaceAll("\0", " ").trim())) found.push(pid);
  }
  return found;
}

/** Folders of the cgroups that the server in the pod is in. */
async function containerGroups(): Promise<string[]> {
  const [pid = 0] = await containerProcesses();
  const lines = (await readFile(`/proc/${pid}/cgroup`, "utf8")).trim().split("\n");
  return lines.flatMap((line) => {
    const [, controllers = "", path = "/"] = line.split(":");
    const folder = `/sys/fs/cgroup/${controllers.replace("name=", "")}${path}`;
    return path === "/" ? [] : [folder];
  });
}

async function linksIntoState(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const targets = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => "")));
  return targets.filter((target) => target.startsWith(`${state}/`));
}

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await isSo()) return;
    await wait(200);
  }
  assert.fail("it did not become so within two minutes");
}
