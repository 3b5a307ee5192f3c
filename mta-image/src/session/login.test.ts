import assert from "node:assert/strict";
import { argon2Sync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type TLSSocket, connect as connectTls, createSecureContext } from "node:tls";

import { Lines } from "../../testing/dialogue.ts";
import { Receiver } from "../../testing/receiver.ts";
import type { Credentials } from "./credentials.ts";
import { PasswordFile, parsePasswords } from "./password-file.ts";

const read = (name: string): string => readFileSync(new URL(`testdata/${name}`, import.meta.url), "utf8");
const tls = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const credentials: Credentials = {
  verify: async (login, password) =>
    login === "busy" ? "unknown" : login === "ann" && password === "pässword" ? "right" : "wrong",
};

async function withClient(
  change: { mustLogIn?: boolean; credentials?: Credentials | null },
  run: (client: Lines, receiver: Receiver) => Promise<void>,
): Promise<void> {
  const settings = { implicitTls: true, credentials, ...change };
  const receiver = await Receiver.start({ tls, settings, relayNetworks: [] });
  const socket: TLSSocket = connectTls({ port: receiver.port, host: "127.0.0.1", rejectUnauthorized: false });
  try {
    const client = new Lines(socket);
    await client.reply();
    await run(client, receiver);
  } finally {
    socket.destroy();
    await receiver.close();
  }
}

for (const [name, lines] of [
  ["PLAIN with a first answer", [`AUTH PLAIN ${base64("\0ann\0pässword")}`]],
  ["PLAIN asked", ["AUTH PLAIN", base64("ann\0ann\0pässword")]],
  ["LOGIN", ["auth login", base64("ann"), base64("pässword")]],
  ["LOGIN with a first answer", [`AUTH LOGIN ${base64("ann")}`, base64("pässword")]],
] as const) {
  test(`${name} shows who the client is, and it may send anywhere`, () =>
    withClient({ mustLogIn: true }, async (client, receiver) => {
      assert.match(await client.ask("EHLO client.example.org"), /\n250-AUTH PLAIN LOGIN\n/);
      assert.equal(await client.ask("MAIL FROM:<a@example.org>"), "530 5.7.0 Authentication is required");
      for (const line of lines.slice(0, -1)) assert.match(await client.ask(line), /^334 /);
      assert.equal(await client.ask(lines.at(-1) ?? ""), "235 2.7.0 Authenticated");
      assert.match(await client.ask(`AUTH PLAIN ${base64("\0ann\0pässword")}`), /^503 /);
      await client.ask("MAIL FROM:<a@example.org>");
      assert.equal(await client.ask("RCPT TO:<b@far.example>"), "250 2.1.5 Recipient ok");
      assert.match(await client.ask("BDAT 0 LAST"), /^250 /);
      assert.equal(receiver.accepted[0]?.origin.protocol, "ESMTPSA");
    }));
}

test("what is no sound answer is refused and ends the exchange, not the session", () =>
  withClient({}, async (client) => {
    assert.match(await client.ask("AUTH PLAIN"), /^503 /);
    await client.ask("EHLO client.example.org");
    for (const [answer, reply] of [
      ["*", /^501 5\.7\.0/],
      ["no base64!", /^501 5\.5\.2/],
      ["QQ", /^501 5\.5\.2/],
      [base64("ann"), /^501 5\.5\.2/],
      [base64("\0ann\0a\0b\0c"), /^501 5\.5\.2/],
      ["/w==", /^501 5\.5\.2/],
      ["x".repeat(13_000), /^500 /],
    ] as const) {
      assert.match(await client.ask("AUTH PLAIN"), /^334 /);
      assert.match(await client.ask(answer), reply, answer.slice(0, 40));
      assert.match(await client.ask("NOOP"), /^250 /);
    }
    assert.match(await client.ask("AUTH CRAM-MD5"), /^504 /);
    assert.match(await client.ask("AUTH"), /^501 /);
    assert.match(await client.ask(`AUTH PLAIN ${base64("\0busy\0x")}`), /^454 /);
    assert.match(await client.ask(`AUTH PLAIN ${base64("eve\0ann\0pässword")}`), /^535 /);
  }));

test("three wrong passwords end the connection", () =>
  withClient({}, async (client) => {
    await client.ask("EHLO client.example.org");
    for (let i = 0; i < 2; i++)
      assert.match(await client.ask(`AUTH PLAIN ${base64("\0ann\0no")}`), /^535 5\.7\.8/);
    assert.match(await client.ask(`AUTH PLAIN ${base64("\0ann\0no")}`), /^421 4\.7\.0/);
  }));

test("AUTH is neither offered nor taken in the clear, in a transaction, or without credentials", async () => {
  const receiver = await Receiver.start({ tls, settings: { credentials } });
  const plain = await receiver.connect();
  await plain.reply();
  assert.doesNotMatch(await plain.ask("EHLO client.example.org"), /AUTH/);
  assert.equal(await plain.ask(`AUTH PLAIN ${base64("\0ann\0pässword")}`), "538 5.7.11 Only within TLS");
  plain.socket.destroy();
  await receiver.close();
  await withClient({}, async (client) => {
    await client.ask("EHLO client.example.org");
    await client.ask("MAIL FROM:<a@example.org>");
    assert.match(await client.ask(`AUTH PLAIN ${base64("\0ann\0pässword")}`), /^503 /);
  });
  await withClient({ credentials: null }, async (client) => {
    assert.doesNotMatch(await client.ask("EHLO client.example.org"), /AUTH/);
    assert.match(await client.ask("AUTH PLAIN"), /^502 /);
  });
});

test("a password file knows its logins and no others, and names the line that is wrong without its text", async () => {
  const nonce = randomBytes(16);
  const terms = { message: "secret", nonce, memory: 64, passes: 1, parallelism: 1, tagLength: 32 };
  const strip = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/, "");
  const hash = `$argon2id$v=19$m=64,t=1,p=1$${strip(nonce)}$${strip(argon2Sync("argon2id", terms))}`;
  const file = new PasswordFile(parsePasswords(`# users\n\nann@example.org:${hash}\n`, "users"));
  assert.equal(await file.verify("ann@example.org", "secret"), "right");
  assert.equal(await file.verify("ann@example.org", "Secret"), "wrong");
  assert.equal(await file.verify("bob", "secret"), "wrong");
  for (const bad of [
    "ann:secret",
    "ann",
    `:${hash}`,
    `ann:${hash}\nann:${hash}`,
    "ann:$argon2id$v=19$m=9999999,t=1,p=1$a$b",
  ]) {
    assert.throws(
      () => parsePasswords(bad, "users"),
      (error: Error) => {
        assert.match(error.message, /^users line [12]: /);
        return !error.message.includes("secret");
      },
    );
  }
});
