/** Scripts that see commands before they are run, and the chunks behind them. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { hooksOf } from "../../testing/hook-scripts.ts";
import { withReceiver } from "../../testing/receiver.ts";

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
