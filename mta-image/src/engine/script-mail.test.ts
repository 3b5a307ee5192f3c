/** Mail that a script writes by itself, in a whole engine: from mail() to the bytes that the next server gets. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Lines } from "../../testing/dialogue.ts";
import { startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

test("queue_quota() tells what waits under the names that scripts gave, after a restart too", async (t) => {
  const write = `
    if ($arguments["address"]["localpart"] == "write")
      foreach (["a@example.net", "b@example.net"] as $to)
        mail("", $to, "Later", "x", "default", ["hold" => true, "quotas" => ["news", "all"]]);
    $news = queue_quota("news");
    Reject($news["count"] . " " . ($news["bytes"] > 0) . " " . queue_quota("all")["count"] . " " . queue_quota("none")["count"]);`;
  const folder = mkdtempSync(join(tmpdir(), "named-quotas-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const start = async (sender: string): Promise<string> => {
    const engine = await startEngine({
      folder,
      server: "127.0.0.1:1",
      appServer: { phases: { mailfrom: { hook: "write" } } },
      app: { scripting: { hooks: { mailfrom: [{ id: "write", data: write }] } } },
    });
    const client = await Lines.to(engine.smtpPort);
    await client.reply();
    await client.ask("EHLO client.example.org");
    const reply = await client.ask(`MAIL FROM:<${sender}@example.org>`);
    client.socket.destroy();
    await engine.stop();
    return reply;
  };
  assert.equal(await start("write"), "554 5.7.1 2 true 2 0");
  assert.equal(await start("look"), "554 5.7.1 2 true 2 0");
});

test("mail() sends a text with names and fields of the script's, and keeps one for later", async (t) => {
  const sink = await MailSink.start();
  t.after(() => sink.stop());
  const script = `
    $id = mail(
      ["localpart" => "post", "domain" => "example.com"], "support@example.net", "Lunch", "How about\\nlunch?", "default",
      ["sender_name" => "Lars, the Räk", "recipient_name" => "Support\\r\\nBcc: x", "headers" => ["X-A" => 1, "X-B" => "two"]]);
    mail("", "later@example.net", "Later", "x", "default", ["hold" => true]);
    Reject("id " . length($id));`;
  const engine = await startEngine({
    server: `127.0.0.1:${sink.port}`,
    appServer: { phases: { mailfrom: { hook: "write" } } },
    app: { scripting: { hooks: { mailfrom: [{ id: "write", data: script }] } } },
  });
  t.after(() => engine.stop());
  const client = await Lines.to(engine.smtpPort);
  await client.reply();
  await client.ask("EHLO client.example.org");
  assert.match(await client.ask("MAIL FROM:<a@example.org>"), /^554 5\.7\.1 id [1-9]/);
  client.socket.destroy();
  const [mail] = await until(
    () => sink.received,
    ({ length }) => length === 1,
  );
  const text = mail?.content.toString("latin1") ?? "";
  assert.match(text, /^From: =\?UTF-8\?B\?TGFycywgdGhlIFLDpGs=\?= <post@example\.com>\r$/m);
  assert.match(text, /^To: "?Support +Bcc: x"? <support@example\.net>\r$/m);
  assert.match(text, /^X-A: 1\r\nX-B: two\r$/m);
  assert.match(text, /\r\n\r\nHow about\r\nlunch\?/);
  const { json } = await engine.admin("GET", "/v1/queue?status=hold");
  const { entries } = json as { entries: readonly { recipient: string }[] };
  assert.deepEqual(
    entries.map(({ recipient }) => recipient),
    ["later@example.net"],
  );
});
