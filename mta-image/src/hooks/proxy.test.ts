/** Scripts that see each command before it is run. Real sockets. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { hooksOf } from "../../testing/hook-scripts.ts";
import { type Receiver, withReceiver } from "../../testing/receiver.ts";

function withProxy(proxy: string, run: (receiver: Receiver) => Promise<void>): Promise<void> {
  return withReceiver({ settings: { hooks: hooksOf({ proxy }) } }, run);
}

test("answers commands of its own, changes others and hands on the rest", () =>
  withProxy(
    `if ($arguments["command"] == "XHELLO") Reply("hi");
     if ($arguments["command"] =~ #/^XMAIL/) Pass(["command" => "MAIL FROM:<x@example.org>"]);`,
    async (receiver) => {
      const client = await receiver.greeted();
      assert.equal(await client.ask("XHELLO"), "250 2.0.0 hi");
      assert.match(await client.ask("XMAIL"), /^250 2\.1\.0 /);
      assert.match(await client.ask("RCPT TO:<ann@example.net>"), /^250 2\.1\.5 /);
      assert.match(await client.ask("WHAT"), /^500 /);
      client.socket.destroy();
    },
  ));

test("sees no transaction any more that the client gave up", () =>
  withProxy(
    `if ($arguments["command"] == "NOOP") Reply($transaction["sender"] ?? "nobody");`,
    async (receiver) => {
      const client = await receiver.greeted();
      for (const end of ["RSET", "EHLO client.example.org"]) {
        await client.ask("MAIL FROM:<news@example.org>");
        assert.equal(await client.ask("NOOP"), "250 2.0.0 news@example.org");
        await client.ask(end);
        assert.equal(await client.ask("NOOP"), "250 2.0.0 nobody");
      }
      client.socket.destroy();
    },
  ));
