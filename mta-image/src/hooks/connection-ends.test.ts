/** What scripts hear of a connection's end and of the client's name. Real sockets, scripts that tell over DNS-shaped ports. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSecureContext } from "node:tls";
import { readFileSync } from "node:fs";

import { FakeResolver } from "../../testing/fake-resolver.ts";
import { hooksOf } from "../../testing/hook-scripts.ts";
import { dnsPorts } from "../../testing/script-dns.ts";
import { Receiver, type ReceiverOptions, closed } from "../../testing/receiver.ts";
import { until } from "../../testing/until.ts";
import { makeNetworks } from "../net/networks.ts";
import type { DnsPort } from "../script/ports.ts";

const read = (name: string): string =>
  readFileSync(new URL(`../session/testdata/${name}`, import.meta.url), "utf8");
const tls = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });

/** Takes what a script says as questions, so that a script without a reply can be heard. */
class Heard implements DnsPort {
  readonly words: string[] = [];
  query(name: string): ReturnType<DnsPort["query"]> {
    this.words.push(name);
    return Promise.resolve({ error: "NXDOMAIN" });
  }
}

async function endOf(
  script: string,
  options: ReceiverOptions,
  run: (receiver: Receiver) => Promise<void>,
): Promise<string> {
  const dns = new Heard();
  const hooks = hooksOf({ disconnect: `dns_query(json_encode(${script}));` });
  const receiver = await Receiver.start({ ...options, settings: { hooks }, ports: { dns } });
  try {
    await run(receiver);
    const [word = ""] = await until(
      () => dns.words,
      (words) => words.length > 0,
    );
    return word;
  } finally {
    await receiver.close();
  }
}

const state = `[$arguments["close"], $arguments["reply"]["code"], $arguments["reply"]["state"]]`;

for (const [what, lines, wanted] of [
  ["the greeting", [], ["remote", 220, "CONNECT"]],
  ["a command", ["EHLO client.example.org", "MAIL FROM:<a@example.org>"], ["remote", 250, "MAIL"]],
  ["QUIT", ["EHLO client.example.org", "quit"], ["local", 221, "QUIT"]],
  [
    "DATA",
    ["EHLO c.example.org", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"],
    ["remote", 354, "DATA"],
  ],
  [
    "the end of data",
    ["EHLO c.example.org", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA", "x: y\r\n\r\n."],
    ["remote", 250, "EOD"],
  ],
] as const) {
  test(`disconnect hears that the last reply was to ${what}`, async () => {
    const word = await endOf(state, { relayNetworks: ["127.0.0.0/8"] }, async (receiver) => {
      const client = await receiver.connect();
      await client.reply();
      for (const line of lines) await client.ask(line);
      client.socket.end();
    });
    assert.deepEqual(JSON.parse(word), wanted);
  });
}

test("disconnect hears of a connection that was reset, with its errno", async () => {
  const word = await endOf(`$arguments["error"]`, {}, async (receiver) => {
    const client = await receiver.greeted();
    client.socket.resetAndDestroy();
    await closed(client);
  });
  const { type, code, reason } = JSON.parse(word) as Record<string, unknown>;
  assert.deepEqual([type, code], ["socket", 104]);
  assert.match(String(reason), /ECONNRESET/);
});

test("disconnect hears of a TLS handshake that failed, with OpenSSL's number", async () => {
  const word = await endOf(`$arguments["error"]`, { tls }, async (receiver) => {
    const client = await receiver.greeted();
    await client.ask("STARTTLS");
    client.socket.write("this is no handshake\r\n");
    await closed(client);
  });
  const { type, code } = JSON.parse(word) as { type: string; code: number };
  assert.equal(type, "tls");
  assert.ok(code > 0x0a000000);
});

test("disconnect hears of no error where there was none", async () => {
  const word = await endOf(`$arguments["error"] ?? "none"`, {}, async (receiver) => {
    const client = await receiver.greeted();
    await client.ask("QUIT");
    await closed(client);
  });
  assert.equal(JSON.parse(word), "none");
});

const zones = {
  "1.2.0.192.in-addr.arpa": { ptr: ["other.example.org", "mail.example.org"] },
  "other.example.org": { a: ["192.0.2.9"] },
  "mail.example.org": { a: ["192.0.2.1"] },
  "2.2.0.192.in-addr.arpa": { ptr: ["mail.example.org"] },
};

async function greeting(
  scripts: Parameters<typeof hooksOf>[0],
  ip: string,
  last = "NOOP",
): Promise<[string, string]> {
  const resolver = new FakeResolver(zones);
  const { dns } = dnsPorts({ resolver, servers: () => [] });
  const receiver = await Receiver.start({
    settings: { hooks: hooksOf(scripts), proxyNetworks: makeNetworks(["127.0.0.0/8"]) },
    ports: { dns },
  });
  try {
    const client = await receiver.connect();
    client.socket.write(`PROXY TCP4 ${ip} 198.51.100.1 1000 25\r\n`);
    const first = await client.reply();
    const second = await client.ask(last);
    client.socket.destroy();
    await receiver.untilIdle();
    return [first, second];
  } finally {
    await receiver.close();
  }
}

const banner = `Accept(["reason" => ($arguments["remoteptr"] ?? "none") . " " . count($arguments["remoteptrresult"]["forward"])]);`;

test("connect hears the name of the client that leads back to its address", async () => {
  assert.equal((await greeting({ connect: banner }, "192.0.2.1"))[0], "220 mail.example.org 2");
});

test("connect hears no name where it leads elsewhere, or there is none", async () => {
  assert.equal((await greeting({ connect: banner }, "192.0.2.2"))[0], "220 none 1");
  assert.equal((await greeting({ connect: banner }, "192.0.2.3"))[0], "220 none 0");
});

test("later scripts hear the name too, with no script at connect or another name from it", async () => {
  const helo = `Reject($connection["remoteptr"] ?? "none");`;
  const [, plain] = await greeting({ helo }, "192.0.2.1", "EHLO x");
  assert.equal(plain, "554 5.7.1 mail.example.org");
  const connect = `Accept(["remoteptr" => "own.example"]);`;
  const [, own] = await greeting({ connect, helo }, "192.0.2.1", "EHLO x");
  assert.equal(own, "554 5.7.1 own.example");
});

test("nothing is asked where no script names it", async () => {
  const dns = new Heard();
  const hooks = hooksOf({ connect: `Accept();` });
  const receiver = await Receiver.start({ settings: { hooks }, ports: { dns } });
  const client = await receiver.greeted();
  assert.match(await client.ask("EHLO x"), /^250/);
  client.socket.destroy();
  await receiver.close();
  assert.deepEqual(dns.words, []);
});
