import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connect, createSecureContext } from "node:tls";
import fc from "fast-check";

import { Lines } from "../../testing/dialogue.ts";
import { hooksOf } from "../../testing/hook-scripts.ts";
import { Receiver } from "../../testing/receiver.ts";
import { parseXclient } from "../smtp/xclient.ts";
import { makeNetworks } from "../net/networks.ts";
import type { Checks } from "./checks.ts";

const read = (name: string): string =>
  readFileSync(new URL(`testdata/${name}`, import.meta.url).pathname, "utf8");
const tls = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });
const trusting = { xclientNetworks: makeNetworks(["127.0.0.0/8"]) };

async function withProxy(
  options: Parameters<typeof Receiver.start>[0],
  run: (client: Lines, receiver: Receiver) => Promise<void>,
): Promise<void> {
  const receiver = await Receiver.start({ settings: trusting, ...options });
  try {
    await run(await receiver.greeted(), receiver);
    await receiver.untilIdle();
  } finally {
    await receiver.close();
  }
}

async function send(client: Lines): Promise<string> {
  await client.ask("MAIL FROM:<news@example.org>");
  await client.ask("RCPT TO:<ann@example.net>");
  return client.ask("BDAT 0 LAST");
}

test("the client that a trusted one names is greeted, and its mail comes from it", () =>
  withProxy({ relayDomains: ["example.net"] }, async (client, receiver) => {
    assert.match(await client.ask("EHLO proxy.example.org"), /\n250 XCLIENT NAME ADDR PORT PROTO HELO LOGIN/);
    assert.match(
      await client.ask(
        "XCLIENT NAME=a.example.com ADDR=IPV6:2001:db8::7 PORT=4711 HELO=a.example.com PROTO=ESMTP",
      ),
      /^220 /,
    );
    await client.ask("EHLO b.example.com");
    assert.match(await send(client), /^250 /);
    const { remoteIp, remotePort, helo } = receiver.accepted[0]?.origin ?? {};
    assert.deepEqual([remoteIp, remotePort, helo], ["2001:db8::7", 4711, "b.example.com"]);
    client.socket.destroy();
  }));

test("what the named client may do is judged anew: a stranger may not relay, a login may", () =>
  withProxy({ relayNetworks: ["127.0.0.0/8"] }, async (client) => {
    await client.ask("XCLIENT ADDR=192.0.2.1 HELO=a.example.com");
    await client.ask("MAIL FROM:<news@example.org>");
    assert.match(await client.ask("RCPT TO:<ann@far.example>"), /^554 5\.7\.1 /);
    await client.ask("RSET");
    assert.match(
      await client.ask("XCLIENT ADDR=192.0.2.1 LOGIN=ann+40example.org HELO=a.example.com"),
      /^220 /,
    );
    await client.ask("MAIL FROM:<news@example.org>");
    assert.match(await client.ask("RCPT TO:<ann@far.example>"), /^250 /);
    client.socket.destroy();
  }));

test("the named client is looked up, and refused if it is listed", () => {
  const asked: string[] = [];
  const reply = { code: 550, enhanced: "5.7.1", text: "listed" };
  const checks: Checks = {
    connect: async ({ ip }) => {
      asked.push(ip);
      return ip === "192.0.2.66" ? { kind: "refuse", reply } : { kind: "accept", fields: "" };
    },
    authenticated: () => null,
    mailFrom: () => null,
    content: () => null,
  };
  return withProxy({ checks, relayNetworks: [] }, async (client) => {
    assert.match(await client.ask("XCLIENT ADDR=192.0.2.66"), /^55[04] .*listed/);
    assert.ok(asked.includes("192.0.2.66"), `asked ${asked.join(" ")}`);
    client.socket.destroy();
  });
});

test("a login that is named is one: in the trace field, for scripts and for AUTH; the next client has none", () => {
  const hooks = hooksOf({
    mailfrom: `if (isset($connection["auth"])) Accept($connection["auth"]["username"] . " by " . $connection["auth"]["mechanism"]);`,
  });
  const credentials = { verify: async () => "right" as const };
  return withProxy({ settings: { ...trusting, hooks, credentials } }, async (client, receiver) => {
    for (const [named, sender, protocol] of [
      ["LOGIN=ann+40example.org", "250 2.1.0 ann@example.org by XCLIENT", "ESMTPA"],
      ["HELO=a.example.com", "250 2.1.0 Sender ok", "ESMTP"],
      ["LOGIN=[UNAVAILABLE]", "250 2.1.0 Sender ok", "ESMTP"],
    ] as const) {
      assert.match(await client.ask(`XCLIENT ADDR=127.0.0.1 ${named}`), /^220 /);
      await client.ask("EHLO a.example.com");
      assert.equal(await client.ask("MAIL FROM:<news@example.org>"), sender);
      await client.ask("RCPT TO:<ann@example.net>");
      assert.match(await client.ask("BDAT 0 LAST"), /^250 /);
      assert.equal(receiver.accepted.at(-1)?.origin.protocol, protocol, named);
    }
    client.socket.destroy();
  });
});

test("STARTTLS forgets a login that was named in the clear; within TLS one who is named may not log in again", async () => {
  const receiver = await Receiver.start({
    tls,
    settings: { ...trusting, credentials: { verify: async () => "right" } },
  });
  const plain = await receiver.greeted();
  await plain.ask("XCLIENT ADDR=127.0.0.1 LOGIN=ann");
  await plain.ask("STARTTLS");
  const client = new Lines(connect({ socket: plain.socket, rejectUnauthorized: false }));
  await client.ask("EHLO a.example.com");
  assert.match(await client.ask("AUTH PLAIN AGFubgBw"), /^235 /);
  assert.match(await client.ask("XCLIENT ADDR=127.0.0.1 LOGIN=ann"), /^220 /);
  await client.ask("EHLO a.example.com");
  assert.match(await client.ask("AUTH PLAIN AGFubgBw"), /^503 /);
  client.socket.destroy();
  await receiver.close();
});

test("the address of one who is named with its login is asked about as behind AUTH", () => {
  const asked: string[] = [];
  const checks: Checks = {
    connect: async ({ ip }) => {
      asked.push(`connect ${ip}`);
      return { kind: "accept", fields: "" };
    },
    authenticated: async ({ ip }) => {
      asked.push(`login ${ip}`);
      return { kind: "refuse", reply: { code: 550, enhanced: "5.7.1", text: "listed" } };
    },
    mailFrom: () => null,
    content: () => null,
  };
  return withProxy({ checks, relayNetworks: [] }, async (client) => {
    assert.equal(await client.ask("XCLIENT ADDR=192.0.2.66 LOGIN=ann"), "550 5.7.1 listed");
    assert.deepEqual(asked, ["connect 127.0.0.1", "login 192.0.2.66"]);
    client.socket.destroy();
  });
});

test("nobody else may speak for others, nor within a message, nor ahead of the reply", async () => {
  await withProxy({ settings: {} }, async (client) => {
    assert.doesNotMatch(await client.ask("EHLO a.example.com"), /XCLIENT/);
    assert.match(await client.ask("XCLIENT ADDR=192.0.2.1"), /^550 5\.7\.0 /);
    client.socket.destroy();
  });
  await withProxy({}, async (client) => {
    await client.ask("EHLO proxy.example.org");
    await client.ask("MAIL FROM:<news@example.org>");
    assert.match(await client.ask("XCLIENT ADDR=192.0.2.1"), /^503 /);
    await client.ask("RSET");
    for (const wrong of [
      "XCLIENT",
      "XCLIENT ADDR",
      "XCLIENT ADDR=1.2.3",
      "XCLIENT PORT=99999",
      "XCLIENT HELO=a+20b",
      "XCLIENT ADDR=192.0.2.1 ADDR=192.0.2.2",
      "XCLIENT COLOUR=red",
    ])
      assert.match(await client.ask(wrong), /^501 /, wrong);
    assert.match(await client.ask("XCLIENT ADDR=192.0.2.1\r\nNOOP"), /^(421|503|554) /);
    client.socket.destroy();
  });
});

test("what is not known is left as it was, but for the address", () => {
  assert.deepEqual(parseXclient("NAME=[TEMPUNAVAIL] PORT=[UNAVAILABLE] helo=x"), { helo: "x" });
  assert.deepEqual(parseXclient("ADDR=[UNAVAILABLE] helo=x"), { ip: null, helo: "x" });
});

test("a client whose address its proxy does not know may not relay as the proxy may", () =>
  withProxy({ relayNetworks: ["127.0.0.0/8"], relayDomains: ["example.net"] }, async (client) => {
    for (const said of [
      "ADDR=[UNAVAILABLE]",
      "NAME=a.example.com",
      "ADDR=[TEMPUNAVAIL]",
      "HELO=a.example.com",
    ]) {
      assert.match(await client.ask(`XCLIENT ${said}`), /^220 /);
      await client.ask("EHLO a.example.com");
      await client.ask("MAIL FROM:<news@example.org>");
      assert.match(await client.ask("RCPT TO:<ann@far.example>"), /^554 5\.7\.1 /, said);
      assert.match(await client.ask("RCPT TO:<ann@example.net>"), /^250 /);
      await client.ask("RSET");
    }
    client.socket.destroy();
  }));

test("an address is known however it is written", () =>
  withProxy({ relayDomains: ["example.net"] }, async (client, receiver) => {
    const forms = [
      ["IPV6:::FFFF:192.0.2.1", "192.0.2.1"],
      ["::ffff:c000:201", "192.0.2.1"],
      ["2001:DB8:0:0:0:0:0:7", "2001:db8::7"],
    ] as const;
    for (const [said, known] of forms) {
      await client.ask(`XCLIENT ADDR=${said}`);
      await client.ask("EHLO a.example.com");
      assert.match(await send(client), /^250 /);
      assert.equal(receiver.accepted.at(-1)?.origin.remoteIp, known);
    }
    client.socket.destroy();
  }));

test("no attributes at all break the reader", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parseXclient(`ADDR=${text}`)));
});
