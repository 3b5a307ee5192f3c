/** Logins with real lists behind them: the address of the client comes by a PROXY header, as from a load balancer. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { BlockList, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, after, before, describe, test } from "node:test";
import { connect as connectTls, createSecureContext } from "node:tls";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { SpamhausConfig } from "#contract/spamhaus-config.ts";

import { Lines } from "../../testing/dialogue.ts";
import { type Rbldnsd, hasRbldnsd, startRbldnsd } from "../../testing/rbldnsd.ts";
import { Receiver } from "../../testing/receiver.ts";
import { Spamhaus } from "./spamhaus.ts";

const KEY = "abcdefghijklmnopqrstuvwxyz";
const logIn = `AUTH PLAIN ${Buffer.from("\0ann\0password").toString("base64")}`;
const proxies = new BlockList();
proxies.addAddress("127.0.0.1");
const pem = (name: string): string =>
  readFileSync(new URL(`../session/testdata/${name}`, import.meta.url), "utf8");

describe("people who log in", { skip: hasRbldnsd() ? false : "rbldnsd is not installed" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "login-"));
  let daemon: Rbldnsd;
  let spamhaus: Spamhaus;
  let receiver: Receiver;

  before(async () => {
    daemon = await startRbldnsd([KEY]);
    writeFileSync(join(folder, "key"), KEY);
    spamhaus = new Spamhaus({ clock: systemClock, log: silentLog });
    const lists = ["zen", "authbl", "dbl", "hbl"];
    const config = { keyfile: join(folder, "key"), resolvers: [daemon.server], lists };
    (await spamhaus.prepare(SpamhausConfig.parse(config), []))();
    receiver = await Receiver.start({
      tls: createSecureContext({ cert: pem("test-cert.pem"), key: pem("test-key.pem") }),
      settings: {
        implicitTls: true,
        credentials: { verify: async () => "right" },
        proxyNetworks: proxies,
      },
      relayNetworks: [],
      relayDomains: ["here.example"],
      checks: spamhaus.checks,
    });
  });
  after(async () => {
    await receiver.close();
    spamhaus.close();
    await daemon.stop();
    rmSync(folder, { recursive: true });
  });

  async function from(t: TestContext, ip: string): Promise<Lines> {
    const plain = connect(receiver.port, "127.0.0.1");
    plain.write(`PROXY TCP4 ${ip} 192.0.2.25 40000 465\r\n`);
    const socket = connectTls({ socket: plain, rejectUnauthorized: false });
    t.after(() => socket.destroy());
    const lines = new Lines(socket);
    assert.match(await lines.reply(), /^220 /);
    await lines.ask("EHLO laptop.bad.example");
    return lines;
  }

  test("are let go when AuthBL lists them, whatever their password", async (t) => {
    const client = await from(t, "198.51.100.20");
    assert.match(await client.ask(logIn), /^550 5\.7\.1 Listed by Spamhaus AUTHBL .*198\.51\.100\.20$/);
    assert.equal(await client.next(), null);
  });

  test("may send from the address of a home, which others may not", async (t) => {
    const stranger = await from(t, "203.0.113.9");
    assert.match(
      await stranger.ask("MAIL FROM:<a@good.example>"),
      /^550 5\.7\.1 Listed by Spamhaus ZEN .*PBL/,
    );
    const ann = await from(t, "203.0.113.9");
    assert.equal(await ann.ask(logIn), "235 2.7.0 Authenticated");
    assert.match(await ann.ask("MAIL FROM:<a@good.example>"), /^250 /);
    assert.match(await ann.ask("RCPT TO:<b@far.example>"), /^250 /);
    await ann.ask("DATA");
    assert.match(
      await ann.ask("\r\nsee http://www.bad.example/\r\n."),
      /^550 5\.7\.1 Listed by Spamhaus DBL/,
    );
  });
});
