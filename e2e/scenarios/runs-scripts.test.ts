import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { sendMail } from "../peers/mail-sender.ts";
import { Stage, condition } from "./stage.ts";

/** Refuses mail by its subject, and writes into what it lets through. */
const judging = (subject: string): string => `
$mail = $arguments["mail"];
if ($mail->getHeader("Subject") == "${subject}") Reject("by the script");
$mail->addHeader("X-Judged", "yes");
`;

describe("scripts in a ConfigMap", { timeout: 300_000 }, () => {
  let stage: Stage;
  /** Every mail goes to somebody else, so that the sink can tell them apart. */
  let mails = 0;

  before(async () => {
    stage = await Stage.open("scripts");
    await applyConfig(judging("unwanted"));
    await stage.applyCluster("inbound", { replicas: 2, config: { appFrom: { name: "mail" } } });
    await stage.ready("inbound", 2);
  });
  after(() => stage?.close());

  function applyConfig(script: string): Promise<string> {
    const servers = [{ id: "smtp", transport: "default", phases: { eod: { hook: "judge" } } }];
    const scripting = { hooks: { eod: [{ id: "judge", data: script }] } };
    const file = JSON.stringify({ ...stage.app(), servers, scripting });
    const metadata = { name: "mail" };
    return stage.apply({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { "smtpd-app.yaml": file } });
  }

  async function send(subject: string): Promise<string> {
    const host = await stage.kubectl("get", "service", "inbound", "-o", "jsonpath={.spec.clusterIP}");
    const mail = { host, port: 25, from: "a@example.org", to: `${mails++}user@example.net` };
    const raw = `Subject: ${subject}\r\n\r\nhello\r\n`;
    const reply = await sendMail({ ...mail, raw }, stage.lab.cluster.networkNamespace);
    if (reply.startsWith("250")) stage.account.took(mail.to);
    return reply;
  }

  test("judge mail in every pod", async () => {
    for (let i = 0; i < 4; i++) assert.match(await send("unwanted"), /^550 .*by the script/);
    assert.match(await send("hello"), /^250 /);
    await stage.delivered(1);
  });

  test("that no longer compile stay away from the pods, and the condition says where; mail is judged as before", async () => {
    await applyConfig("$mail = $arguments[;\n");
    const view = await stage.until(
      "inbound",
      (seen) => condition(seen, "ConfigApplied")?.reason === "Invalid",
    );
    assert.match(condition(view, "ConfigApplied")?.message ?? "", /judge.*line 1.*column|judge.*1:\d+/s);
    assert.match(await send("unwanted"), /^550 .*by the script/);
    assert.match(await send("hello"), /^250 /);
    await stage.delivered(2);
  });

  test("that are mended come into force without a restart", async () => {
    const uids = await stage.kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.uid}");
    const before = (await stage.view("inbound")).status.revision.current;
    await applyConfig(judging("other"));
    await stage.until("inbound", ({ status }) => {
      const { current, target } = status.revision;
      return (
        current !== before && current === target && status.pods.every(({ revision }) => revision === target)
      );
    });
    for (let i = 0; i < 4; i++) assert.match(await send("other"), /^550 .*by the script/);
    assert.match(await send("unwanted"), /^250 /);
    assert.equal(await stage.kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.uid}"), uids);
    await stage.delivered(3);
  });
});
