/** Mail that a script writes by itself, in a whole engine: from mail() to the bytes that the next server gets. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Lines } from "../../testing/dialogue.ts";
import { startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

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
