/** Scripts that see commands before they are run, and the chunks behind them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createSecureContext } from "node:tls";

import { hooksOf } from "../../testing/hook-scripts.ts";
import { withReceiver } from "../../testing/receiver.ts";
import { makeNetworks } from "../net/networks.ts";

const read = (name: string): string =>
  readFileSync(new URL(`testdata/${name}`, import.meta.url).pathname, "utf8");
const tls = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });

for (const [what, script, reply] of [
  ["answers", `Reply("mine");`, "250 2.0.0 mine"],
  ["goes wrong at", `throw "wrong";`, "451 4.3.0 "],
  ["puts another command in the place of", `Pass(["command" => "NOOP"]);`, "451 4.3.0 A chunk stays "],
] as const)
  test(`a script that ${what} a chunk: its bytes are no commands, and its message is not taken without it`, () =>
    withReceiver(
      { settings: { hooks: hooksOf({ proxy: `if ($arguments["command"] =~ #/^BDAT 23/) { ${script} }` }) } },
      async (receiver) => {
        const client = await receiver.greeted();
        client.socket.write(
          "MAIL FROM:<a@example.org>\r\nRCPT TO:<ann@example.net>\r\nBDAT 3\r\nx\r\n" +
            "BDAT 23\r\nRSET\r\nMAIL FROM:<b@x>\r\nBDAT 5 LAST\r\nxyz\r\nNOOP\r\n",
        );
        const said: string[] = [];
        while (said.length < 6) said.push(await client.reply());
        assert.deepEqual(
          said.map((line) => line.slice(0, 3)),
          ["250", "250", "250", reply.slice(0, 3), "503", "250"],
        );
        assert.equal(said[3]?.slice(0, reply.length), reply);
        assert.equal(receiver.accepted.length, 0);
        client.socket.destroy();
      },
    ));

test("a script makes no chunk of what is none, and is not asked about one of no size", () =>
  withReceiver(
    { settings: { hooks: hooksOf({ proxy: `Pass(["command" => "BDAT 9"]);` }) } },
    async (receiver) => {
      const client = await receiver.connect();
      await client.reply();
      assert.match(await client.ask("NOOP"), /^451 4\.3\.0 /);
      assert.match(await client.ask("BDAT nine"), /^501 5\.5\.4 /);
      assert.equal(await client.reply(), "<closed>");
    },
  ));

for (const [verb, word] of [
  ["DATA", "DATA"],
  ["STARTTLS", "STARTTLS"],
  ["AUTH", "AUTH PLAIN"],
  ["XCLIENT", "XCLIENT ADDR=192.0.2.1"],
] as const)
  test(`a script makes no ${verb} of a command: what the client sent behind it runs as the commands that they are`, () =>
    withReceiver(
      {
        tls,
        settings: {
          hooks: hooksOf({ proxy: `if ($arguments["command"] == "NOOP") Pass(["command" => "${word}"]);` }),
          xclientNetworks: makeNetworks(["127.0.0.0/8"]),
          credentials: { verify: async () => "right" },
        },
      },
      async (receiver) => {
        const client = await receiver.greeted();
        client.socket.write(
          "MAIL FROM:<a@example.org>\r\nRCPT TO:<ann@example.net>\r\nNOOP\r\nRCPT TO:<bob@example.net>\r\nRSET\r\nVRFY x\r\n",
        );
        const said: string[] = [];
        while (said.length < 6) said.push(await client.reply());
        assert.deepEqual(
          said.map((line) => line.slice(0, 9)),
          ["250 2.1.0", "250 2.1.5", "451 4.3.0", "250 2.1.5", "250 2.0.0", "252 2.5.2"],
        );
        client.socket.destroy();
      },
    ));

test("a script makes no other command of DATA, and mends a command that stays what it is", () =>
  withReceiver(
    {
      settings: {
        hooks: hooksOf({
          proxy: `if ($arguments["command"] == "DATA") Pass(["command" => "NOOP"]);
                  if ($arguments["command"] == "DATA now") Pass(["command" => "DATA"]);
                  if ($arguments["command"] == "HALLO x") Pass(["command" => "EHLO x"]);`,
        }),
      },
    },
    async (receiver) => {
      const client = await receiver.connect();
      await client.reply();
      assert.match(await client.ask("HALLO x"), /^250-mx\.example\.org\n/);
      await client.ask("MAIL FROM:<a@example.org>");
      await client.ask("RCPT TO:<ann@example.net>");
      assert.match(await client.ask("DATA"), /^451 4\.3\.0 DATA, STARTTLS, AUTH and XCLIENT stay /);
      assert.match(await client.ask("DATA now"), /^354 /);
      assert.match(await client.ask("Subject: x\r\n\r\nx\r\n."), /^250 /);
      client.socket.destroy();
    },
  ));

test("what stands behind a line that a script may mend into DATA is no content, and never runs", () =>
  withReceiver(
    {
      settings: {
        hooks: hooksOf({ proxy: `if ($arguments["command"] == "DATA now") Pass(["command" => "DATA"]);` }),
      },
    },
    async (receiver) => {
      const client = await receiver.greeted();
      client.socket.write("MAIL FROM:<a@example.org>\r\nRCPT TO:<ann@example.net>\r\n");
      for (let replies = 0; replies < 2; replies++) await client.reply();
      client.socket.write("DATA now\r\nRCPT TO:<bob@example.net>\r\nRSET\r\n.\r\nNOOP\r\n");
      assert.match(await client.reply(), /^554 5\.5\.0 Data sent before it was asked for$/);
      assert.equal(await client.reply(), "<closed>");
      assert.equal(receiver.accepted.length, 0);
    },
  ));

for (const [verb, does, answer] of [
  ["DATA", "refuses it later", `Reject("not you");`],
  ["DATA", "passes it on later", ``],
  ["EHLO again.example.org", "passes it on later", ``],
] as const)
  test(`what is sent ahead of the reply to ${verb} never runs, also where a script ${does}`, () =>
    withReceiver(
      {
        settings: {
          hooks: hooksOf({ proxy: `if ($arguments["command"] == "${verb}") { sleep(1); ${answer} }` }),
        },
      },
      async (receiver) => {
        const client = await receiver.greeted();
        await client.ask("MAIL FROM:<a@example.org>");
        await client.ask("RCPT TO:<ann@example.net>");
        client.socket.write(`${verb}\r\n`);
        const asked = receiver.hookFigures.runs.proxy + 1;
        await receiver.until(() => receiver.hookFigures.runs.proxy === asked, "the script waits");
        client.socket.write("RSET\r\nMAIL FROM:<b@example.org>\r\n.\r\n");
        // What another client says later is answered: those bytes were read before.
        (await receiver.greeted()).socket.destroy();
        receiver.clock.advance(1000);
        await client.reply();
        assert.match(await client.reply(), /^554 5\.5\.0 Data sent before it was asked for$/);
        assert.equal(await client.reply(), "<closed>");
        assert.equal(receiver.accepted.length, 0);
      },
    ));

test("a client is not called slow for the time that a script took between its chunks", () =>
  withReceiver(
    { settings: { hooks: hooksOf({ proxy: `if ($arguments["command"] == "BDAT 9 LAST") sleep(120);` }) } },
    async (receiver) => {
      const client = await receiver.greeted();
      await client.ask("MAIL FROM:<a@example.org>");
      await client.ask("RCPT TO:<ann@example.net>");
      assert.equal(await client.ask(Buffer.from("BDAT 5\r\nSubje")), "250 2.0.0 Chunk ok");
      client.socket.write("BDAT 9 LAST\r\nc");
      const asked = receiver.hookFigures.runs.proxy + 1;
      await receiver.until(() => receiver.hookFigures.runs.proxy === asked, "the script waits");
      receiver.clock.advance(120_000);
      await receiver.until(() => receiver.bytesTaken === 6, "the second chunk has begun");
      receiver.clock.advance(2000);
      client.socket.write("t: x\r\n\r\n");
      assert.match(await client.reply(), /^250 2\.0\.0 Ok: queued as /);
      client.socket.destroy();
    },
  ));
