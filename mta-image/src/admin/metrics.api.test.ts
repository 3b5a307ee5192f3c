/** What engine and operator expose, as Prometheus' own checker reads it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { createTransport } from "nodemailer";

import { addProcessFigures } from "#base/process-figures.ts";
import { gauges, makeMetrics } from "#operator/metrics.ts";
import { startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";

/** What promtool finds fault with. */
function faults(exposition: string): string {
  const { status, stdout, stderr, error } = spawnSync("promtool", ["check", "metrics"], {
    input: exposition,
    encoding: "utf8",
  });
  assert.ok(error === undefined, `promtool is not installed; run: make setup (${error?.message})`);
  return status === 0 ? "" : `${stdout}${stderr}`;
}

describe("metrics under promtool", () => {
  test("the checker finds what is wrong", () => {
    assert.match(faults("# TYPE mta_things counter\nmta_things 1\n"), /_total/);
  });

  test("the engine's are well formed, documented and named by the rules", async () => {
    const sink = await MailSink.start();
    const engine = await startEngine({ server: `127.0.0.1:${sink.port}` });
    const client = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
    await client.sendMail({ from: "a@corp.test", to: "b@x.test", subject: "hi", text: "hi" });
    client.close();
    const text = await (await fetch(`${engine.monitorUrl}/metrics`)).text();
    await engine.stop();
    await sink.stop();
    assert.match(text, /^mta_session_messages_accepted_total 1$/m);
    assert.match(text, /^mta_spool_trouble\{reason="spool-broken"\} 0$/m);
    assert.equal(faults(text), "");
  });

  test("so are the operator's", async () => {
    const metrics = makeMetrics();
    addProcessFigures(metrics.registry);
    for (const name of gauges) metrics.gaugeOf(name, () => ({ Some: 1 }));
    metrics.pass({ controller: "mailcluster", outcome: "failed", seconds: 0.1 });
    metrics.kubeCall({ method: "GET", code: "200", seconds: 0.1 });
    metrics.leader(true);
    assert.equal(faults(await metrics.registry.metrics()), "");
  });
});
