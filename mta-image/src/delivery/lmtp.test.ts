import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, test } from "node:test";
import { SMTPServer } from "smtp-server";

import { CourierRig } from "../../testing/courier-rig.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";

let host: ScriptedHost;
let rig: CourierRig;
beforeEach(async () => {
  host = await ScriptedHost.start();
  rig = new CourierRig(host.port, { settings: { isLmtp: true } });
});
afterEach(async () => {
  await rig.courier.close(0);
  await host.stop();
});

const ehlo = ["250-host", "250-PIPELINING", "250 8BITMIME", ""].join("\r\n");
const to = ["ann@example.net", "bob@example.net", "cyd@example.net"];

test("each recipient gets the reply that the host gave for it", async () => {
  host.answer = ({ line }) => {
    if (line.startsWith("LHLO")) return ehlo;
    if (line.startsWith("RCPT TO:<bob")) return "550 5.1.1 nobody here\r\n";
    return line === "." ? "250 2.1.5 stored\r\n452 4.2.2 mailbox full\r\n" : undefined;
  };
  assert.deepEqual(await rig.deliver({ to }), [
    "delivered 2.1.5 250 2.1.5 stored",
    "failed 5.1.1 550 5.1.1 nobody here",
    "deferred 4.2.2 452 4.2.2 mailbox full",
  ]);
  assert.match(host.lines[0] ?? "", /^LHLO /);
});

test("replies may come one by one, and those that do not come are unclear", async () => {
  host.answer = ({ line }) => {
    if (line.startsWith("LHLO")) return ehlo;
    if (line !== ".") return undefined;
    setTimeout(() => host.sayToAll("250 2.1.5 second\r\n"), 5);
    setTimeout(() => void host.stop(), 20);
    return "250 2.1.5 first\r\n";
  };
  const said = await rig.deliver({ to });
  assert.deepEqual(said.slice(0, 2), ["delivered 2.1.5 250 2.1.5 first", "delivered 2.1.5 250 2.1.5 second"]);
  assert.match(said[2] ?? "", /^unclear /);
});

test("the next message goes over the same connection", async () => {
  host.answer = ({ line }) => {
    if (line.startsWith("LHLO")) return ehlo;
    return line === "." ? "250 2.1.5 one\r\n250 2.1.5 two\r\n" : undefined;
  };
  const mails = [0, 1, 2].map(() => rig.deliver({ to: to.slice(0, 2) }));
  for (const said of await Promise.all(mails)) {
    assert.deepEqual(said, ["delivered 2.1.5 250 2.1.5 one", "delivered 2.1.5 250 2.1.5 two"]);
  }
});

test("a host that does not know LHLO gets no mail, and no HELO", async () => {
  host.answer = ({ line }) => (line.startsWith("LHLO") ? "500 5.5.1 what?\r\n" : undefined);
  assert.match((await rig.deliver())[0] ?? "", /^deferred 5?4?\.?.*500 5\.5\.1 what/);
  assert.equal(host.words.includes("HELO"), false);
});

test("a real LMTP server on a UNIX socket takes mail", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lmtp-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "lmtp.sock");
  const taken: string[] = [];
  const server = new SMTPServer({
    lmtp: true,
    authOptional: true,
    disableReverseLookup: true,
    hideSTARTTLS: true,
    logger: false,
    onData: async (stream, session, done) => {
      const content = await buffer(stream);
      taken.push(`${session.envelope.rcptTo.length} ${content.length}`);
      done(null);
    },
  });
  await new Promise<void>((resolve) => server.listen(path as unknown as number, resolve));
  t.after(() => server.close());
  const local = new CourierRig(0, { settings: { isLmtp: true, server: path } });
  t.after(() => local.courier.close(0));
  const said = await local.deliver({ to: to.slice(0, 2) });
  assert.deepEqual(
    said.map((line) => line.slice(0, 9)),
    ["delivered", "delivered"],
  );
  assert.equal(taken.length, 1);
});
