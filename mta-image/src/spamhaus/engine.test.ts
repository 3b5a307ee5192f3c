import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createTransport } from "nodemailer";

import { Lines } from "../../testing/dialogue.ts";
import { startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { hasRbldnsd, startRbldnsd } from "../../testing/rbldnsd.ts";
import { until } from "../../testing/until.ts";

const KEY = "abcdefghijklmnopqrstuvwxyz";
const skip = hasRbldnsd() ? false : "rbldnsd is not installed";

test("an engine refuses a listed sender, tags a large message with a listed URL, and counts both", {
  skip,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "engine-key-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "key"), KEY);
  const daemon = await startRbldnsd([KEY]);
  t.after(() => daemon.stop());
  const sink = await MailSink.start();
  t.after(() => sink.stop());
  const engine = await startEngine({
    server: `127.0.0.1:${sink.port}`,
    appServer: { relaynetworks: [], relaydomains: ["example.net"] },
    app: { spamhaus: { keyfile: join(folder, "key"), resolvers: [daemon.server], actions: { hbl: "tag" } } },
  });
  t.after(() => engine.stop());
  const send = (from: string, html: string): Promise<unknown> => {
    const transport = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
    return transport.sendMail({ from, to: "b@example.net", html, text: "x".repeat(400_000) });
  };
  await assert.rejects(send("a@phish.example", "hello"), /550 5\.7\.1 Listed by Spamhaus DBL/);
  await send("a@good.example", '<a href="https://www.hbltest.com/test">x</a>');
  const received = await until(
    () => sink.received,
    (list) => list.length === 1,
  );
  assert.match(
    String(received[0]?.content),
    /^X-Spamhaus: hbl=127\.0\.3\.30 \(url\) www\.hbltest\.com\/test/,
  );
  const metrics = await (await fetch(`${engine.monitorUrl}/metrics`)).text();
  assert.match(metrics, /mta_spamhaus_hits_total\{list="hbl",code="127\.0\.3\.30"\} 1/);
  assert.match(metrics, /mta_spamhaus_rulings_total\{action="reject"\} 1/);
  assert.match(metrics, /mta_spamhaus_query_seconds_count [1-9]/);
  assert.match(metrics, /mta_spamhaus_trouble\{reason="key-refused"\} 0/);
  assert.equal(metrics.includes(KEY), false);
});

test("a script of a hook asks as the configuration says", { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "scripted-key-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "key"), KEY);
  const daemon = await startRbldnsd([KEY]);
  t.after(() => daemon.stop());
  const script = `$a = spamhaus("domain", "mail.bad.example"); Reject($a["result"][0]["meaning"]);`;
  const engine = await startEngine({
    server: "127.0.0.1:1",
    appServer: { phases: { mailfrom: { hook: "judge" } } },
    app: {
      scripting: { hooks: { mailfrom: [{ id: "judge", data: script }] } },
      spamhaus: { keyfile: join(folder, "key"), resolvers: [daemon.server], stages: [] },
    },
  });
  t.after(() => engine.stop());
  const client = await Lines.to(engine.smtpPort);
  await client.reply();
  await client.ask("EHLO client.example.org");
  assert.equal(await client.ask("MAIL FROM:<a@example.org>"), "554 5.7.1 spam domain");
  client.socket.destroy();
});
