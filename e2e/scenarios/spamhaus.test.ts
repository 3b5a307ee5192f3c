import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { type Rbldnsd, startRbldnsd } from "../../mta-image/testing/rbldnsd.ts";
import { keepSending, sendMail } from "../peers/mail-sender.ts";
import { run, tryRun } from "../peers/shell.ts";
import { Stage, condition, eventually } from "./stage.ts";

const KEY = "firstkeyfirstkeyfirstkey";
const NEXT_KEY = "secondkeysecondkeysecondkey";
const REFUSED = "refusedkeyrefusedkeyrefused";
/** On ZEN in the data of the name server; an address of the machine's during the scenario. */
const LISTED_CLIENT = "198.51.100.4";
const DNS_PORT = 5399;

describe("a cluster with Spamhaus", { timeout: 420_000 }, () => {
  let stage: Stage;
  let daemon: Rbldnsd;
  let namespace: string | null;

  before(async () => {
    stage = await Stage.open("spamhaus");
    namespace = stage.lab.cluster.networkNamespace;
    await run("ip", ["address", "add", `${LISTED_CLIENT}/32`, "dev", "lo"], { namespace });
    daemon = await startDns([KEY, NEXT_KEY]);
    await applySecret("dqs", KEY);
    await applySecret("dqs-refused", REFUSED);
    await applyProtected("inbound", 2, "dqs");
    await applyProtected("unlucky", 1, "dqs-refused");
    await stage.ready("inbound", 2);
    await stage.ready("unlucky", 1);
  });
  after(async () => {
    await daemon?.stop();
    await tryRun("ip", ["address", "delete", `${LISTED_CLIENT}/32`, "dev", "lo"], { namespace });
    await stage?.close();
  });

  const startDns = (keys: readonly string[]): Promise<Rbldnsd> =>
    startRbldnsd(keys, [REFUSED], { address: stage.lab.cluster.nodeAddress, namespace, port: DNS_PORT });

  const applySecret = (name: string, key: string): Promise<string> =>
    stage.apply({ apiVersion: "v1", kind: "Secret", metadata: { name }, stringData: { key } });

  const applyProtected = (name: string, replicas: number, secret: string): Promise<string> =>
    stage.applyCluster(name, {
      replicas,
      spamhaus: {
        keySecretRef: { name: secret },
        resolvers: [daemon.server],
        actions: { hbl: "tag" },
        cache: { size: 0 },
      },
      rollout: { canary: { pods: 1, bakeSeconds: 3 } },
      config: {
        app: {
          ...stage.app(),
          servers: [{ id: "smtp", transport: "default", relaynetworks: [], relaydomains: ["example.net"] }],
        },
      },
    });

  const podAddress = (name: string): Promise<string> =>
    stage.kubectl("get", "pod", name, "-o", "jsonpath={.status.podIP}");

  /** Straight to a pod, so that the address of the client stays what it is. */
  async function send(
    pod: string,
    mail: { from?: string; to: string; raw?: string; localAddress?: string },
  ): Promise<string> {
    const usual = { from: "someone@good.example", raw: "Subject: hello\r\n\r\nhello\r\n" };
    const reply = await sendMail({ ...usual, ...mail, host: await podAddress(pod), port: 2525 }, namespace);
    if (reply.startsWith("250")) stage.account.took(mail.to);
    return reply;
  }

  const healthy = (name: string, wanted: string, patienceSeconds = 90): Promise<unknown> =>
    stage.until(
      name,
      (view) => {
        const found = condition(view, "SpamhausHealthy");
        return `${found?.status} ${found?.reason}` === wanted;
      },
      patienceSeconds,
    );

  test("refuses a listed client, and says where it can look itself up", async () => {
    await healthy("inbound", "True Healthy");
    const refusal = await send("inbound-0", { to: "a@example.net", localAddress: LISTED_CLIENT });
    assert.match(refusal, /^550 5\.7\.1 Listed by Spamhaus ZEN .*query\/ip\/198\.51\.100\.4$/);
    assert.match(await send("inbound-0", { to: "a@example.net" }), /^250 /);
  });

  test("tags a message with a listed URL in a message inside a message", async () => {
    const html = Buffer.from('<a href="https://www.hbltest.com/test?x">here</a>').toString("base64");
    const inner = `Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n${html}`;
    const raw = `Subject: look\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n${inner}\r\n--b--\r\n`;
    assert.match(await send("inbound-1", { to: "tagged@example.net", raw }), /^250 /);
    const head = await eventually(
      () => stage.sink.head("tagged@example.net"),
      (text) => text !== "",
      60,
    );
    assert.match(head, /^X-Spamhaus: hbl=127\.0\.3\.30 \(url\) www\.hbltest\.com\/test\r\nReceived: /);
  });

  test("takes everything while its key is refused, and the condition says so before any mail has come", async () => {
    await healthy("unlucky", "False KeyRefused");
    assert.match(await send("unlucky-0", { to: "b@example.net", localAddress: LISTED_CLIENT }), /^250 /);
    assert.match(await send("unlucky-0", { from: "x@phish.example", to: "c@example.net" }), /^250 /);
  });

  test("changes to another key under load without a missed lookup or a restart, and stays with it when a third is refused", async (t) => {
    const uids = (): Promise<string> =>
      stage.kubectl(
        "get",
        "pods",
        "-o",
        "jsonpath={.items[*].metadata.uid} {.items[*].status.containerStatuses[*].restartCount}",
      );
    const before = await uids();
    const mail = { to: "d@example.net", port: 2525, raw: "\r\nx\r\n", connections: 2 };
    const from = "@load.bad.example";
    const hosts = await Promise.all(["inbound-0", "inbound-1"].map(podAddress));
    const stops = hosts.map((host) => keepSending({ ...mail, from, host }, namespace));
    t.after(() => Promise.all(stops.map((stop) => stop())));
    await applySecret("dqs", NEXT_KEY);
    const files = async (): Promise<number> => {
      const secret = (await stage.lab.get(["-n", stage.namespace, "secret", "inbound-spamhaus"])) as {
        data?: Record<string, string>;
      };
      const keys = Object.values(secret.data ?? {}).map((value) => Buffer.from(value, "base64").toString());
      return keys.includes(NEXT_KEY) ? keys.length : 0;
    };
    await eventually(files, (count) => count === 2, 60);
    await eventually(files, (count) => count === 1, 180);
    await healthy("inbound", "True Healthy");
    // The old key is not needed any more: its zone goes, as Spamhaus would switch it off.
    await daemon.stop();
    daemon = await startDns([NEXT_KEY]);
    const replies = await Promise.all(stops.map((stop) => stop()));
    for (const each of replies) {
      assert.ok((each["550"] ?? 0) > 100, JSON.stringify(replies));
    }
    const missed = replies.flatMap((each) => Object.keys(each)).filter((code) => code !== "550");
    assert.deepEqual(missed, [], JSON.stringify(replies));
    assert.equal(await uids(), before);
    await applySecret("dqs", REFUSED);
    await healthy("inbound", "False KeyRefused", 120);
    const still = await send("inbound-0", { from: "again@phish.example", to: "e@example.net" });
    assert.match(still, /^550 5\.7\.1 Listed by Spamhaus DBL/);
    await applySecret("dqs", NEXT_KEY);
    await healthy("inbound", "True Healthy");
  });

  test("shows its key nowhere but in Secrets", async () => {
    const kinds = ["mailclusters", "configmaps", "pods", "events", "services", "networkpolicies"];
    const objects = await stage.kubectl("get", kinds.join(","), "-o", "yaml");
    const logs = await Promise.all([
      stage.kubectl("logs", "inbound-0"),
      stage.kubectl("logs", "inbound-1"),
      stage.kubectl("logs", "unlucky-0"),
      stage.lab.kubectl(["-n", "mailfleet-system", "logs", "deployment/mailfleet"]),
    ]);
    const url = `http://${await podAddress("inbound-0")}:9090/metrics`;
    const fetchText = `fetch(${JSON.stringify(url)}).then((r) => r.text()).then((t) => process.stdout.write(t))`;
    const metrics = await run(process.execPath, ["-e", fetchText], { namespace });
    assert.match(metrics, /mta_spamhaus_hits_total\{list="dbl",code="127\.0\.1\.2"\} [1-9]/);
    const everything = [objects, ...logs, metrics].join("\n");
    for (const key of [KEY, NEXT_KEY, REFUSED]) {
      assert.equal(everything.includes(key), false);
      assert.equal(everything.includes(Buffer.from(key).toString("base64")), false);
    }
  });
});
