/**
 * Native plugins in a cluster, each from an image of its own: a Go plugin that lets scripts sleep, one that holds mail to
 * its hours, and one that puts mail into an S3 server. A file that the engine would refuse reaches no pod.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { cacheFolder } from "../../tools/setup/programs.ts";
import { ObjectStore, storeKeys } from "../peers/object-store.ts";
import { run } from "../peers/shell.ts";
import { sendWithSmtpSource } from "../peers/smtp-source.ts";
import { offerPlugin } from "./offer-plugin.ts";
import { type ClusterView, Stage, condition, eventually } from "./stage.ts";

const root = new URL("../../", import.meta.url).pathname;
const ours = ["nap", "delivery-times", "http-delivery"] as const;
const STORE_PORT = 7071;

describe("native plugins", { timeout: 600_000 }, () => {
  let stage: Stage;
  let store: ObjectStore;
  let folder: string;

  before(async () => {
    stage = await Stage.open("plugins");
    folder = await mkdtemp(join(tmpdir(), "plugins-"));
    const { nodeAddress: address, networkNamespace: namespace } = stage.lab.cluster;
    store = await ObjectStore.start({
      program: `${cacheFolder()}/bin/versitygw`,
      address,
      port: STORE_PORT,
      namespace,
    });
    await run("make", ["-s", "-C", `${root}mta-image/plugins`], { timeoutMs: 300_000 });
    await run("make", ["-s", "-C", `${root}mta-image/native`, "test-plugins"], { timeoutMs: 300_000 });
    await writeFile(join(folder, "broken.so"), "this is no shared object\n");
    await offerPlugin(stage, "nap", `${root}build/native/test/nap.so`);
    for (const name of ["delivery-times", "http-delivery"])
      await offerPlugin(stage, name, `${root}build/plugins/${name}.so`);
    await offerPlugin(stage, "broken", join(folder, "broken.so"));
  });
  after(async () => {
    await store?.stop();
    await rm(folder, { recursive: true, force: true });
    await stage?.close();
  });

  /** Mail of the listener "office" waits for its hours, that of "store" goes to the S3 server. */
  function clusterSpec(suspends: unknown): Record<string, unknown> {
    const [group] = stage.app()["transportgroups"] as [Record<string, unknown>];
    const object = `${store.endpoint}/${store.bucket}/{transactionid}-{queueid}.eml`;
    const keys = { aws_sigv4: "aws:amz:us-east-1:s3", username: storeKeys.id, password: storeKeys.secret };
    return {
      replicas: 1,
      listeners: [
        { name: "smtp", port: 25 },
        { name: "office", port: 2626 },
        { name: "store", port: 2727 },
      ],
      config: {
        app: {
          servers: [
            { id: "smtp", transport: "default", phases: { mailfrom: { hook: "slow" } } },
            { id: "office", transport: "office" },
            { id: "store", transport: "store" },
          ],
          transportgroups: [
            { ...group, transports: [{ id: "default" }, { id: "office" }] },
            {
              id: "store",
              transports: [
                {
                  id: "store",
                  plugin: { id: "http-delivery", arguments: { url: object, method: "PUT", ...keys } },
                },
              ],
            },
          ],
          scripting: { hooks: { mailfrom: [{ id: "slow", data: "nap(20);" }] } },
        },
      },
      plugins: [
        { name: "nap" },
        { name: "delivery-times", appConfig: { suspends } },
        { name: "http-delivery" },
      ],
    };
  }

  async function send(port: number, messages: number, recipient: string): Promise<void> {
    const address = await stage.kubectl("get", "service", "outbound", "-o", "jsonpath={.spec.clusterIP}");
    await sendWithSmtpSource({
      address,
      port,
      namespace: stage.lab.cluster.networkNamespace,
      messages,
      connections: 5,
      sizeBytes: 4096,
      sender: "sender@example.org",
      recipient,
      numbered: true,
    });
    // What goes to the S3 server comes to no sink.
    if (port !== 2727) stage.account.tookNumbered(messages, recipient);
  }

  const closed = [{ if: ["* * * * *"], transportid: "office", tag: "office hours" }];
  const open = [{ ifnot: ["* * * * *"], transportid: "office", tag: "office hours" }];
  const plugin = async (name: string) =>
    (await stage.lab.get(["-n", stage.namespace, "nativeplugin", name])) as {
      status?: { conditions?: { type: string; status: string; message: string }[]; functions?: string[] };
    };

  test("are checked, loaded, and shown with what they offer", async () => {
    await stage.applyCluster("outbound", clusterSpec(closed));
    const { status } = await stage.until(
      "outbound",
      ({ status: { plugins } }) =>
        plugins.length === ours.length &&
        plugins.every(({ state, pods }) => state === "Present" && pods === 1),
    );
    assert.deepEqual(
      status.plugins.map(({ name, roles }) => [name, roles]),
      [
        ["nap", ["script"]],
        ["delivery-times", ["script", "queue"]],
        ["http-delivery", ["delivery"]],
      ],
    );
    assert.ok((await plugin("nap")).status?.functions?.includes("nap"));
    await stage.ready("outbound", 1);
  });

  test("a Go plugin lets a script of the conversation sleep, and its calls are counted", async () => {
    await send(25, 50, "napper@example.net");
    await stage.delivered(50);
    const text = await stage.kubectl("exec", "outbound-0", "--", "mtactl", "plugins");
    const [, calls = "0"] = /^nap {2}[\s\S]*?calls {6}(\d+),/m.exec(text) ?? [];
    assert.ok(Number(calls) >= 50, text);
  });

  test("mail is held to its hours, and goes when they begin", async () => {
    await send(2626, 20, "clerk@example.net");
    const held = await stage.until("outbound", ({ status }) => status.queue.total === 20);
    assert.equal(held.status.queue.total, 20);
    const list = await stage.kubectl("exec", "outbound-0", "--", "mtactl", "suspension", "list");
    assert.match(list, /delivery-times.*office hours/);
    await stage.applyCluster("outbound", clusterSpec(open));
    await stage.delivered(70);
  });

  test("mail is put into an S3 server, each recipient once and whole", async () => {
    await send(2727, 30, "archive@example.net");
    const objects = await eventually(
      () => store.objects(),
      (found) => found.size === 30,
      60,
    );
    for (const content of objects.values()) assert.match(content, /^Received: [\s\S]*\r\n\r\n[\s\S]{3000}/);
    await stage.until("outbound", ({ status }) => status.queue.total === 0);
  });

  test("a plugin answers on the command line", async () => {
    const refused = await stage
      .kubectl("exec", "outbound-0", "--", "mtactl", "plugin", "command", "nap", "x")
      .catch((error: Error) => error.message);
    assert.match(refused, /plugin nap \(.*\): it takes no commands/);
  });

  test("a file that is no plugin reaches no pod, and the cluster goes on as it was", async () => {
    const spec = clusterSpec(open);
    const plugins = [...(spec["plugins"] as unknown[]), { name: "broken" }];
    await stage.applyCluster("outbound", { ...spec, plugins });
    const refused = (view: ClusterView): boolean => condition(view, "PluginsReady")?.reason === "Refused";
    const view = await stage.until("outbound", refused);
    assert.match(condition(view, "PluginsReady")?.message ?? "", /"broken": it is not an ELF file$/);
    await send(25, 5, "still@example.net");
    await stage.delivered(75);
    await stage.applyCluster("outbound", spec);
    await stage.ready("outbound", 1);
  });

  test("a plugin that is in use cannot be deleted", async () => {
    await stage.kubectl("delete", "nativeplugin", "nap", "--wait=false");
    const blocked = await eventually(
      () => plugin("nap"),
      ({ status }) =>
        status?.conditions?.some(({ type, status: is }) => type === "DeletionBlocked" && is === "True") ===
        true,
      30,
    );
    assert.ok(blocked.status?.conditions?.some(({ message }) => message.includes("outbound")));
    await stage.applyCluster("outbound", { ...clusterSpec(open), plugins: [], ...withoutPlugins() });
    await eventually(
      () => stage.kubectl("get", "nativeplugins", "-o", "name"),
      (names) => !names.includes("/nap\n"),
      60,
    );
  });

  function withoutPlugins(): Record<string, unknown> {
    return { config: { app: stage.app() }, listeners: [{ name: "smtp", port: 25 }] };
  }
});
