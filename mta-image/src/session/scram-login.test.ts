import assert from "node:assert/strict";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connect as connectTls, createSecureContext } from "node:tls";

import { Lines } from "../../testing/dialogue.ts";
import { Receiver } from "../../testing/receiver.ts";
import { keysOf } from "../smtp/scram.ts";
import { PasswordFile, parsePasswords } from "./password-file.ts";

const read = (name: string): string => readFileSync(new URL(`testdata/${name}`, import.meta.url), "utf8");
const tls = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });
const base64 = (text: string | Buffer): string => Buffer.from(text).toString("base64");
const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

const salt = Buffer.from("0123456789abcdef");
const salted = pbkdf2Sync("secret", salt, 4096, 32, "sha256");
const { storedKey, serverKey } = keysOf(salted);
const line = `ann:SCRAM-SHA-256$4096:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`;
const credentials = new PasswordFile(parsePasswords(line, "users"));

async function withReceiver(run: (receiver: Receiver) => Promise<void>): Promise<void> {
  const receiver = await Receiver.start({
    tls,
    settings: { implicitTls: true, credentials, mustLogIn: true },
    relayNetworks: [],
  });
  try {
    await run(receiver);
  } finally {
    await receiver.close();
  }
}

async function greeted(receiver: Receiver): Promise<Lines> {
  const client = new Lines(connectTls({ port: receiver.port, host: "127.0.0.1", rejectUnauthorized: false }));
  await client.reply();
  assert.match(await client.ask("EHLO client.example.org"), /\n250-AUTH PLAIN LOGIN SCRAM-SHA-256\n/);
  return client;
}

const textOf = (reply: string): string => Buffer.from(reply.slice(4), "base64").toString();

/** A client of its own, with Node's crypto: what comes back is the reply to its proof. */
async function prove(client: Lines, login: string, password: string): Promise<string> {
  const bare = `n=${login},r=clientnonce123`;
  const challenge = textOf(await client.ask(`AUTH SCRAM-SHA-256 ${base64(`n,,${bare}`)}`));
  const [, nonce = "", theirSalt = "", count = ""] = /^r=(.+),s=(.+),i=(\d+)$/.exec(challenge) ?? [];
  const key = pbkdf2Sync(password, Buffer.from(theirSalt, "base64"), Number(count), 32, "sha256");
  const clientKey = hmac(key, "Client Key");
  const withoutProof = `c=biws,r=${nonce}`;
  const message = `${bare},${challenge},${withoutProof}`;
  const signature = hmac(createHash("sha256").update(clientKey).digest(), message);
  const proof = clientKey.map((byte, i) => byte ^ (signature[i] ?? 0));
  const reply = await client.ask(base64(`${withoutProof},p=${base64(Buffer.from(proof))}`));
  if (!reply.startsWith("334")) return reply;
  assert.equal(textOf(reply), `v=${base64(hmac(hmac(key, "Server Key"), message))}`);
  return client.ask("");
}

test("a client proves its password and the server proves its own, and then it may send", () =>
  withReceiver(async (receiver) => {
    const client = await greeted(receiver);
    assert.equal(await prove(client, "ann", "secret"), "235 2.7.0 Authenticated");
    await client.ask("MAIL FROM:<a@example.org>");
    assert.match(await client.ask("RCPT TO:<b@far.example>"), /^250 /);
    client.socket.destroy();
  }));

test("the same line serves PLAIN", () =>
  withReceiver(async (receiver) => {
    const client = await greeted(receiver);
    assert.match(await client.ask(`AUTH PLAIN ${base64("\0ann\0Secret")}`), /^535 /);
    assert.match(await client.ask(`AUTH PLAIN ${base64("\0ann\0secret")}`), /^235 /);
    client.socket.destroy();
  }));

test("a wrong password and a login that nobody has look alike", () =>
  withReceiver(async (receiver) => {
    const client = await greeted(receiver);
    assert.match(await prove(client, "ann", "wrong"), /^535 5\.7\.8/);
    assert.match(await prove(client, "nobody", "secret"), /^535 5\.7\.8/);
    client.socket.destroy();
    const salts: (string | undefined)[] = [];
    for (let i = 0; i < 2; i++) {
      const other = await greeted(receiver);
      const reply = await other.ask(`AUTH SCRAM-SHA-256 ${base64("n,,n=nobody,r=clientnonce123")}`);
      salts.push(/s=([^,]+)/.exec(textOf(reply))?.[1]);
      other.socket.destroy();
    }
    assert.equal(salts[0], salts[1]);
    assert.equal(Buffer.from(salts[0] ?? "", "base64").length, salt.length);
  }));

test("what is no SCRAM is refused, and a proof that is not acknowledged lets nobody in", () =>
  withReceiver(async (receiver) => {
    const client = await greeted(receiver);
    assert.match(await client.ask("AUTH SCRAM-SHA-256"), /^334 /);
    assert.match(await client.ask(base64("hello")), /^501 /);
    assert.match(await client.ask("AUTH SCRAM-SHA-256 *"), /^501 /);
    assert.match(await client.ask("MAIL FROM:<a@example.org>"), /^530 /);
    client.socket.destroy();
  }));

test("a client whose logins failed ten times is not listened to for a while, whatever its connection", () =>
  withReceiver(async (receiver) => {
    for (let i = 0; i < 5; i++) {
      const client = await greeted(receiver);
      for (let j = 0; j < 2; j++)
        assert.match(await client.ask(`AUTH PLAIN ${base64("\0ann\0no")}`), /^535 /);
      client.socket.destroy();
    }
    const barred = await greeted(receiver);
    assert.match(
      await barred.ask(`AUTH PLAIN ${base64("\0ann\0secret")}`),
      /^454 4\.7\.0 Too many failed logins/,
    );
    receiver.clock.advance(10 * 60_000);
    barred.socket.destroy();
    const later = await greeted(receiver);
    assert.match(await later.ask(`AUTH PLAIN ${base64("\0ann\0secret")}`), /^235 /);
    later.socket.destroy();
  }));
