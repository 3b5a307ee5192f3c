import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { Ledger } from "../peers/ledger.ts";
import { sendMail } from "../peers/mail-sender.ts";
import { Stage, condition, eventually } from "./stage.ts";

describe("a change of the configuration", { timeout: 300_000 }, () => {
  let stage: Stage;
  let other: Ledger;

  before(async () => {
    stage = await Stage.open("changes");
    other = await stage.openSink();
    await stage.applyCluster("outbound", { replicas: 2 });
    await stage.ready("outbound", 2);
  });
  after(() => stage?.close());

  test("reaches every pod without a restart, and the status says which revision each runs", async () => {
    const before = await podUids(stage);
    const server = `${other.address}:${other.port}`;
    const traffic = await stage.traffic("outbound");
    await stage.applyCluster("outbound", {
      replicas: 2,
      config: { app: stage.app({ connection: { server } }) },
    });
    await stage.rolledOut("outbound");
    assert.deepEqual(await podUids(stage), before);
    await traffic.stop();
    await stage.send("outbound", 100);
    await stage.allDelivered();
    const ours = async (sink: Ledger): Promise<number> =>
      [...(await sink.recipients()).keys()].filter((name) => name.endsWith("user@example.net")).length;
    assert.deepEqual([await ours(other), await ours(stage.sink)], [100, 0]);
  });

  test("holds, gives up and redirects mail by its domain, also mail that is queued, and takes it back", async () => {
    const uids = await podUids(stage);
    const got = async (sink: Ledger, end: string): Promise<number> =>
      [...(await sink.recipients()).keys()].filter((name) => name.endsWith(end)).length;
    const apply = (
      more: Record<string, unknown>,
      scripting: Record<string, unknown> = {},
    ): Promise<string> => {
      const app = {
        ...stage.app({ connection: { server: `${other.address}:${other.port}` } }),
        ...scripting,
      };
      return stage.applyCluster("outbound", { replicas: 2, config: { app, ...more } });
    };
    await apply({ suspend: { suspends: [{ recipientdomain: "*.held.test", tag: "asked for" }] } });
    await stage.rolledOut("outbound");
    await stage.send("outbound", 20, "a@stays.held.test");
    await stage.send("outbound", 20, "a@moved.held.test");
    const host = await stage.addressOf("outbound");
    const mail = {
      host,
      port: 25,
      from: "author@outside.example",
      to: "x@gone.held.test",
      raw: "Subject: a\r\n\r\nb\r\n",
    };
    assert.match(await sendMail(mail, stage.lab.cluster.networkNamespace), /^250 /);
    await stage.send("outbound", 20, "free@free.example");
    await eventually(
      () => got(other, "@free.example"),
      (count) => count === 20,
      60,
    );
    assert.equal(await got(other, ".held.test"), 0);
    const list = await stage.kubectl("exec", "outbound-0", "--", "mtactl", "suspension", "list");
    assert.match(list, /asked for/);
    const predelivery = `
      $domain = $message["recipientaddress"]["domain"];
      if ($domain == "gone.held.test") Bounce(["reason" => "550 5.1.2 no mail any more"]);
      if ($domain == "moved.held.test") Try(["server" => "${stage.sink.address}", "port" => ${stage.sink.port}]);
      Try();`;
    await apply({}, { scripting: { hooks: { predelivery } } });
    await stage.allDelivered();
    assert.equal(await got(other, "@stays.held.test"), 20);
    assert.equal(await got(stage.sink, "@moved.held.test"), 20);
    await eventually(
      () => got(other, "author@outside.example"),
      (count) => count === 1,
      60,
    );
    assert.equal((await got(other, "@gone.held.test")) + (await got(stage.sink, "@gone.held.test")), 0);
    assert.equal(await podUids(stage), uids);
  });

  test("that is broken stays away from the pods, and condition and event say where it is broken", async () => {
    const good = (await stage.view("outbound")).status.revision.current;
    await stage.applyCluster("outbound", {
      replicas: 2,
      config: { app: { ...stage.app(), colour: "blue" } },
    });
    const view = await stage.until(
      "outbound",
      (seen) => condition(seen, "ConfigApplied")?.reason === "Invalid",
    );
    assert.match(condition(view, "ConfigApplied")?.message ?? "", /smtpd-app\.yaml.*colour.*unknown key/);
    assert.deepEqual(new Set(view.status.pods.map(({ revision }) => revision)), new Set([good]));
    const events = await stage.kubectl("get", "events", "--field-selector=reason=Invalid", "-o", "name");
    assert.notEqual(events, "");
    await stage.send("outbound", 10, "still@example.net");
  });

  test("that breaks a rule of the resource is refused with the field and the way out", async () => {
    await assert.rejects(
      stage.applyCluster("outbound", { replicas: -1 }),
      /spec\.replicas.*should be greater than or equal to 0/s,
    );
  });
});

async function podUids(stage: Stage): Promise<string> {
  return stage.kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.uid}");
}
