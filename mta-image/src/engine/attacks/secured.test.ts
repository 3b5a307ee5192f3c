/**
 * Entries 93 to 98 of docs/hostile-input.md on one engine: what goes wrong around STARTTLS, logins that are none, and
 * clients that are spoken for by PROXY headers and XCLIENT.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { connect as connectTls } from "node:tls";

import { AttackRig, STRANGER, assertReplies, line } from "../../../testing/attack-rig.ts";
import { makeCertificate } from "../../../testing/certificates.ts";
import { Lines } from "../../../testing/dialogue.ts";
import { loginLine } from "../../../testing/logins.ts";

const folder = mkdtempSync(join(tmpdir(), "secured-"));
const HEADER = "PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n";
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const RIGHT = base64("\0ann\0secret");
let rig: AttackRig;

before(async () => {
  const { cert, key } = makeCertificate(folder, "mx.example.org");
  writeFileSync(join(folder, "logins"), loginLine("ann", "secret"));
  const listeners = [{ port: 0, address: "127.0.0.1" }];
  const networks = { relaynetworks: ["127.0.0.1/32"], relaydomains: ["here.example"] };
  rig = await AttackRig.start({
    startup: {
      servers: [
        { id: "smtp", listeners },
        { id: "proxied", proxyprotocol: true, listeners },
        { id: "distrusting", proxyprotocol: true, listeners },
      ],
      pki: { private: [{ id: "own", cert, key }] },
    },
    app: {
      servers: [
        {
          id: "smtp",
          transport: "default",
          tls: { certs: [{ cert: "own" }] },
          auth: { file: join(folder, "logins") },
          xclientnetworks: ["127.0.0.1/32"],
          ...networks,
        },
        { id: "proxied", transport: "default", ...networks },
        { id: "distrusting", transport: "default", proxynetworks: ["192.0.2.0/24"], ...networks },
      ],
    },
  });
});
after(async () => {
  await rig.stop();
  rmSync(folder, { recursive: true });
});
afterEach(() => rig.hangUp());

async function invited(from?: string): Promise<Lines> {
  const client = await rig.reach("greeted", from === undefined ? {} : { from });
  assert.match(await client.ask("STARTTLS"), /^220 /);
  return client;
}

/** A client within TLS that has said EHLO. */
async function secured(from?: string): Promise<Lines> {
  const { socket: plain } = await invited(from);
  plain.removeAllListeners("data");
  const client = new Lines(connectTls({ socket: plain, rejectUnauthorized: false }));
  assert.match(await client.ask("EHLO client.example.org"), /\n250-AUTH PLAIN LOGIN/);
  return client;
}

for (const attack of [
  line(94, "STARTTLS with a parameter", "greeted", "STARTTLS now", "501 5.5.4"),
  line(96, "AUTH in the clear", "greeted", `AUTH PLAIN ${RIGHT}`, "538 5.7.11"),
])
  test(`${attack.entry} ${attack.what}`, () => rig.run(attack));

test("93 a command behind STARTTLS in the same packet never runs", async () => {
  const client = await rig.reach("greeted");
  client.socket.write("STARTTLS\r\nMAIL FROM:<evil@example.org>\r\n");
  await assertReplies(client, ["554 5.5.0", "<closed>"]);
  await rig.assertServes();
});

test("93 plain commands while the handshake is awaited never run", async () => {
  const client = await invited();
  client.socket.write("MAIL FROM:<evil@example.org>\r\n");
  assert.doesNotMatch(await client.reply(), /^[2-5]\d\d /);
  await rig.assertServes();
});

test("94 STARTTLS within TLS, and what was said in the clear is forgotten", async () => {
  const client = await secured();
  assert.match(await client.ask("STARTTLS"), /^503 /);
  assert.match(await client.ask("RCPT TO:<ann@here.example>"), /^503 /);
  client.socket.destroy();
  await rig.assertServes();
});

test("95 a handshake that stalls is cut after its time, and so is one of other bytes at once", async () => {
  const stalled = await invited();
  stalled.socket.write(Buffer.from("1603010200", "hex"));
  await rig.pass(20_000);
  assert.equal(rig.engine.mta.sessions, 1);
  await rig.pass(12_000);
  assert.doesNotMatch(await stalled.reply(), /^[2-5]\d\d /);
  const other = await invited();
  other.socket.write(randomBytes(2000));
  assert.doesNotMatch(await other.reply(), /^[2-5]\d\d /);
  await rig.assertServes();
});

const answers: readonly (readonly [what: string, answer: string, reply: RegExp])[] = [
  ["a star", "*", /^501 5\.7\.0/],
  ["no Base64", "no base64!", /^501 5\.5\.2/],
  ["Base64 that is cut", "QQ", /^501 5\.5\.2/],
  ["an equals sign", "=", /^501 5\.5\.2/],
  ["no NUL", base64("ann"), /^501 5\.5\.2/],
  ["one NUL", base64("ann\0secret"), /^501 5\.5\.2/],
  ["five NULs", base64("\0ann\0secret\0\0\0"), /^501 5\.5\.2/],
  ["bytes that are no UTF-8", "/w==", /^501 5\.5\.2/],
  ["a megabyte of Base64", "QUFB".repeat(250_000), /^500 5\.5\.2/],
  ["a line end in the name to act as", base64("a\r\nb\0ann\0secret"), /^5(01|35) 5\./],
  ["another to act as", base64("eve\0ann\0secret"), /^535 5\.7\.8/],
];
for (const [i, [what, answer, reply]] of answers.entries()) {
  test(`96 AUTH PLAIN with ${what} is no login, and a good one still is`, async () => {
    // Each from an address of its own: failures are counted by address.
    const client = await secured(`127.0.1.${i + 1}`);
    assert.match(await client.ask("AUTH PLAIN"), /^334 /);
    assert.match(await client.ask(answer), reply);
    assert.match(await client.ask(`AUTH PLAIN ${RIGHT}`), /^235 /);
    client.socket.destroy();
    await rig.assertServes();
  });
}

test("96 AUTH behind AUTH, in a transaction, and by what is not there", async () => {
  const client = await secured();
  assert.match(await client.ask("AUTH CRAM-MD5"), /^504 /);
  await client.ask("MAIL FROM:<a@example.org>");
  assert.match(await client.ask(`AUTH PLAIN ${RIGHT}`), /^503 /);
  await client.ask("RSET");
  assert.match(await client.ask(`AUTH PLAIN ${RIGHT}`), /^235 /);
  assert.match(await client.ask(`AUTH PLAIN ${RIGHT}`), /^503 /);
  client.socket.destroy();
  await rig.assertServes();
});

test("96 three wrong passwords end the connection, ten bar the address, and another one is served", async () => {
  const wrong = `AUTH PLAIN ${base64("\0ann\0guess")}`;
  for (let round = 0; round < 4; round++) {
    const client = await secured(STRANGER);
    assert.match(await client.ask(wrong), /^535 5\.7\.8/);
    if (round === 3) break;
    assert.match(await client.ask(wrong), /^535 5\.7\.8/);
    assert.match(await client.ask(wrong), /^421 4\.7\.0/);
  }
  const barred = await secured(STRANGER);
  assert.match(await barred.ask(`AUTH PLAIN ${RIGHT}`), /^454 4\.7\.0/);
  const other = await secured("127.0.0.3");
  assert.match(await other.ask(`AUTH PLAIN ${RIGHT}`), /^235 /);
  rig.hangUp();
  await rig.assertServes();
});

const binary = (rest: string): Buffer => Buffer.from(`0d0a0d0a000d0a515549540a${rest}`, "hex");
const headers: readonly (readonly [what: string, bytes: string | Buffer])[] = [
  ["of 200 characters", `PROXY ${"x".repeat(200)}`],
  ["of nobody", "PROXY UNKNOWN\r\n"],
  ["that is none", "EHLO a\r\n"],
  ["of version 2 that is too short", binary("21110002c000")],
  ["of version 2 with a field beyond its end", binary("2111000fc0000201c63364019c40001904ffff")],
];
for (const [what, bytes] of headers) {
  test(`97 a PROXY header ${what} gets not a byte`, async () => {
    const client = await rig.connect({ port: rig.engine.mta.ports.get("proxied") ?? 0 });
    client.socket.write(bytes);
    assert.equal(await client.reply(), "<closed>");
    await rig.assertServes();
  });
}

test("97 a PROXY header that does not end is cut after five seconds, one of a stranger at once", async () => {
  const silent = await rig.connect({ port: rig.engine.mta.ports.get("proxied") ?? 0 });
  silent.socket.write("PROXY TCP4 192.");
  await rig.pass(6000);
  assert.equal(await silent.reply(), "<closed>");
  const stranger = await rig.connect({ port: rig.engine.mta.ports.get("distrusting") ?? 0 });
  stranger.socket.write(HEADER);
  assert.equal(await stranger.reply(), "<closed>");
  const good = await rig.connect({ port: rig.engine.mta.ports.get("proxied") ?? 0 });
  good.socket.write(HEADER);
  assert.match(await good.reply(), /^220 /);
  good.socket.destroy();
  await rig.assertServes();
});

test("98 XCLIENT of a stranger, with odd values, within a message", async () => {
  const stranger = await rig.reach("greeted", { from: STRANGER });
  assert.match(await stranger.ask("XCLIENT ADDR=192.0.2.1"), /^550 5\.7\.0 /);
  stranger.socket.destroy();
  const client = await rig.reach("greeted");
  for (const wrong of ["ADDR=[", "ADDR=1.2.3", "HELO=a+0D+0Ab", "NAME=a b", "LOGIN=a+00", "COLOUR=red", ""])
    assert.match(await client.ask(`XCLIENT ${wrong}`), /^501 /, wrong);
  await client.ask("MAIL FROM:<a@example.org>");
  assert.match(await client.ask("XCLIENT ADDR=192.0.2.1"), /^503 /);
  client.socket.destroy();
  await rig.assertServes();
});
