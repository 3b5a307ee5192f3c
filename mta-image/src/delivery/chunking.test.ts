import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { CourierRig, inPieces } from "../../testing/courier-rig.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { startEngine } from "../../testing/harness.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import { until } from "../../testing/until.ts";

async function start(
  t: TestContext,
  keywords: readonly string[],
): Promise<{ host: ScriptedHost; rig: CourierRig }> {
  const host = await ScriptedHost.start();
  host.keywords = keywords;
  const rig = new CourierRig(host.port, { settings: { mayChunk: true, maxConnections: 1 } });
  t.after(async () => {
    await rig.courier.close(0);
    await host.stop();
  });
  return { host, rig };
}

const refuseBob = ({ line }: { line: string }): string | undefined =>
  line.includes("bob@") ? "550 5.1.1 nobody\r\n" : undefined;

test("a host that offers CHUNKING gets the message counted, with its dots as they are", async (t) => {
  for (const keywords of [["CHUNKING"], ["CHUNKING", "PIPELINING"]]) {
    const { host, rig } = await start(t, keywords);
    host.answer = refuseBob;
    const said = await rig.deliver({
      to: ["ann@example.net", "bob@example.net"],
      content: "Subject: x\r\n\r\n.dots\r\n.",
    });
    assert.match(said[0] ?? "", /^delivered/);
    assert.match(said[1] ?? "", /^failed 5\.1\.1/);
    const at = host.lines.findIndex((line) => line.startsWith("BDAT"));
    assert.deepEqual(host.lines.slice(at, at + 5), ["BDAT 24 LAST", "Subject: x", "", ".dots", "."]);
    assert.equal(host.words.includes("DATA "), false);
  }
});

test("without a recipient that is taken no chunk is sent", async (t) => {
  for (const keywords of [["CHUNKING"], ["CHUNKING", "PIPELINING"]]) {
    const { host, rig } = await start(t, keywords);
    host.answer = refuseBob;
    assert.match((await rig.deliver({ to: ["bob@example.net"] }))[0] ?? "", /^failed 5\.1\.1/);
    host.answer = ({ line }) => (line.startsWith("MAIL") ? "451 4.3.0 later\r\n" : undefined);
    assert.match((await rig.deliver())[0] ?? "", /^deferred 4\.3\.0/);
    assert.equal(host.words.includes("BDAT"), false);
    assert.equal(host.connections, 1);
  }
});

test("of a host that is out of step no refusal is believed before the chunk is answered", async (t) => {
  const { host, rig } = await start(t, ["CHUNKING", "PIPELINING"]);
  host.answer = ({ line }) => (line.startsWith("MAIL") ? "250 ok\r\n250 ok\r\n" : refuseBob({ line }));
  const said = await rig.deliver({ to: ["bob@example.net", "ann@example.net"] });
  for (const outcome of said) assert.match(outcome, /^deferred 4\.5\.0 /);
});

test("a message in pieces, and a host without CHUNKING, take DATA", async (t) => {
  const first = await start(t, ["CHUNKING", "PIPELINING"]);
  assert.match(
    (await first.rig.deliver({ content: inPieces("Subject: x\r\n\r\n", "y\r\n") }))[0] ?? "",
    /^delivered/,
  );
  const second = await start(t, ["PIPELINING"]);
  assert.match((await second.rig.deliver())[0] ?? "", /^delivered/);
  for (const { host } of [first, second]) assert.equal(host.words.includes("BDAT"), false);
});

test("one engine sends another many messages over one connection by BDAT", async (t) => {
  const sink = await MailSink.start();
  const far = await startEngine({ server: `127.0.0.1:${sink.port}` });
  const rig = new CourierRig(far.smtpPort, { settings: { mayChunk: true, maxConnections: 1 } });
  t.after(async () => {
    await rig.courier.close(0);
    await far.stop();
    await sink.stop();
  });
  const bodies = Array.from(
    { length: 20 },
    (_, i) => `Subject: n${i}\r\n\r\n.${"x".repeat(i * 100)}\r\n.\r\n`,
  );
  const said = await Promise.all(bodies.map((content) => rig.deliver({ content })));
  for (const [line = ""] of said) assert.match(line, /^delivered/);
  const received = await until(
    () => sink.received,
    (list) => list.length === bodies.length,
  );
  const tails = received.map(({ content }) => String(content).replace(/^[\s\S]*?(?=Subject: n)/, ""));
  assert.deepEqual(tails.sort(), bodies.sort());
  assert.equal(rig.courier.connections, 1);
});
