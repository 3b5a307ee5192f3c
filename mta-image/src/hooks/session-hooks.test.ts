import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { Lines } from "../../testing/dialogue.ts";
import { hooksOf } from "../../testing/hook-scripts.ts";
import { Receiver, closed } from "../../testing/receiver.ts";
import type { OnError } from "./scripts.ts";
import { type SessionHook, sessionHooks } from "./stages.ts";

interface Options {
  readonly onError?: OnError;
  readonly relayNetworks?: readonly string[];
  readonly relayDomains?: readonly string[];
}

async function withHooks(
  scripts: Partial<Record<SessionHook, string>>,
  run: (receiver: Receiver) => Promise<void>,
  { onError, ...options }: Options = {},
): Promise<void> {
  const hooks = hooksOf(scripts, onError === undefined ? {} : { onError });
  const receiver = await Receiver.start({
    ...options,
    settings: { hooks, idleTimeoutMs: Number.MAX_SAFE_INTEGER },
  });
  try {
    await run(receiver);
  } finally {
    await receiver.close();
  }
}

/** What each command of a whole message is answered, first the greeting; ends with the connection. */
async function conversation(receiver: Receiver): Promise<string[]> {
  const client = await receiver.connect();
  const said = [await client.reply()];
  for (const command of [
    "EHLO client.example.org",
    "MAIL FROM:<News@Example.org>",
    "RCPT TO:<ann@example.net>",
    "DATA",
    "Subject: x\r\n\r\nhello\r\n.",
    "QUIT",
  ]) {
    if (said.at(-1)?.includes("<closed>") === true || said.at(-1)?.startsWith("421") === true) break;
    const reply = await client.ask(command);
    if (command === "DATA" && !reply.startsWith("354")) break;
    said.push(reply);
  }
  client.socket.destroy();
  return said;
}

async function mail(client: Lines, to = "ann@example.net"): Promise<string[]> {
  return [await client.ask("MAIL FROM:<News@Example.org> SIZE=100"), await client.ask(`RCPT TO:<${to}>`)];
}

describe("connect", () => {
  test("refuses with 521 and closes", () =>
    withHooks(
      { connect: `if ($arguments["remoteip"] == "127.0.0.1") Reject("no entry");` },
      async (receiver) => {
        const client = await receiver.connect();
        assert.equal(await client.reply(), "521 5.7.1 no entry");
        await closed(client);
        assert.equal(receiver.counters.refusedConnections, 1);
        await receiver.untilIdle();
      },
    ));

  test("gives another banner of several lines", () =>
    withHooks({ connect: `Accept(["reason" => ["one", "two"]]);` }, async (receiver) => {
      const client = await receiver.connect();
      assert.equal(await client.reply(), "220-one\n220 two");
      client.socket.destroy();
    }));

  test("changes the client's address for what follows", () =>
    withHooks(
      { connect: `Accept(["remoteip" => "192.0.2.9"]);`, mailfrom: `Reject($connection["remoteip"]);` },
      async (receiver) => {
        const client = await receiver.greeted();
        assert.equal((await mail(client))[0], "554 5.7.1 192.0.2.9");
        client.socket.destroy();
      },
    ));
});

describe("helo", () => {
  test("refuses a name, which then counts as not said", () =>
    withHooks({ helo: `if ($arguments["host"] == "bad.example") Reject();` }, async (receiver) => {
      const client = await receiver.connect();
      await client.reply();
      assert.equal(await client.ask("EHLO bad.example"), "554 5.7.1 Rejected by policy");
      assert.equal((await mail(client))[0], "503 5.5.1 Send EHLO or HELO first");
      assert.match(await client.ask("HELO good.example"), /^250 /);
      assert.match((await mail(client))[0] ?? "", /^250 /);
      client.socket.destroy();
    }));

  test("sees the extensions and offers others, each once", () =>
    withHooks(
      {
        helo: `Accept(["extensions" => [...array_filter(function ($x) { return $x == "PIPELINING"; }, $arguments["extensions"]), "PIPELINING"]]);`,
      },
      async (receiver) => {
        const client = await receiver.connect();
        await client.reply();
        assert.equal(await client.ask("EHLO a.example"), "250-mx.example.org\n250 PIPELINING");
        client.socket.destroy();
      },
    ));
});

describe("mailfrom", () => {
  test("sees sender, parts and parameters, and what the hooks before knew", () =>
    withHooks(
      {
        connect: `$context = ["seen" => 1];`,
        mailfrom: `Reject([$arguments["sender"], $arguments["address"]["localpart"], $arguments["params"]["SIZE"],
          $connection["helo"]["host"], $context["seen"], isset($transaction["id"])]);`,
      },
      async (receiver) => {
        const client = await receiver.greeted();
        assert.equal(
          (await mail(client))[0],
          `${["news@example.org", "News", "100", "client.example.org", "1"]
            .map((line) => `554-5.7.1 ${line}`)
            .join("\n")}\n554 5.7.1 true`,
        );
        client.socket.destroy();
      },
    ));

  test("replaces the sender, with words and codes of its own", () =>
    withHooks(
      {
        mailfrom: `Accept(["sender" => ["localpart" => "other", "domain" => "example.com"], "reason" => "fine",
          "reply_codes" => ["code" => 250, "enhanced" => [2, 1, 9]]]);`,
      },
      async (receiver) => {
        const client = await receiver.greeted();
        assert.equal((await mail(client))[0], "250 2.1.9 fine");
        await client.ask("DATA");
        await client.ask("x\r\n.");
        assert.equal(receiver.accepted[0]?.envelope.sender, "other@example.com");
        client.socket.destroy();
      },
    ));

  test("refuses with codes of the right class only, and in ASCII on one line", () =>
    withHooks(
      { mailfrom: `Defer("a\\r\\nb\\xff", ["reply_codes" => ["code" => 250, "enhanced" => [2, 0, 0]]]);` },
      async (receiver) => {
        const client = await receiver.greeted();
        assert.equal((await mail(client))[0], "450-4.7.0 a\n450 4.7.0 b?");
        client.socket.destroy();
      },
    ));

  test("waits without holding others up, and commands sent meanwhile run afterwards", () =>
    withHooks({ mailfrom: `sleep(10); Accept();` }, async (receiver) => {
      const client = await receiver.greeted();
      client.socket.write("MAIL FROM:<a@example.org>\r\nRCPT TO:<ann@example.net>\r\n");
      const other = await receiver.greeted();
      assert.match(await other.ask("NOOP"), /^250 /);
      await receiver.until(() => receiver.hookFigures.runs.mailfrom === 1, "the script runs");
      receiver.clock.advance(10_000);
      assert.match(await client.reply(), /^250 2\.1\.0 /);
      assert.match(await client.reply(), /^250 2\.1\.5 /);
      client.socket.destroy();
      other.socket.destroy();
    }));

  test("may close the connection", () =>
    withHooks({ mailfrom: `Disconnect("bye");` }, async (receiver) => {
      const client = await receiver.greeted();
      assert.equal((await mail(client))[0], "421 4.7.0 bye");
      await closed(client);
      await receiver.untilIdle();
    }));
});

describe("rcptto", () => {
  const outside = { relayNetworks: [], relayDomains: ["here.example"] };

  test("replaces the recipient", () =>
    withHooks({ rcptto: `Accept(["recipient" => "x@example.com"]);` }, async (receiver) => {
      const client = await receiver.greeted();
      await mail(client);
      await client.ask("DATA");
      await client.ask("x\r\n.");
      assert.deepEqual(receiver.accepted[0]?.envelope.recipients, ["x@example.com"]);
      client.socket.destroy();
    }));

  test("does not open the relay by accepting alone", () =>
    withHooks(
      { rcptto: `Accept();` },
      async (receiver) => {
        const client = await receiver.greeted();
        assert.equal((await mail(client))[1], "554 5.7.1 Relaying denied");
        client.socket.destroy();
      },
      outside,
    ));

  test("opens it when it says so", () =>
    withHooks(
      { rcptto: `Accept(["relay" => not $arguments["relay"]]);` },
      async (receiver) => {
        const client = await receiver.greeted();
        assert.match((await mail(client))[1] ?? "", /^250 /);
        client.socket.destroy();
      },
      outside,
    ));
});

describe("disconnect", () => {
  test("hears who closed and what was said last", () =>
    withHooks(
      {
        disconnect: `memory_store("end", [$arguments["close"], $arguments["reply"]["code"]]);`,
        connect: `if (memory_exists("end")) Reject(memory_fetch("end"));`,
      },
      async (receiver) => {
        const client = await receiver.greeted();
        await client.ask("QUIT");
        await closed(client);
        const next = await receiver.connect();
        assert.equal(await next.reply(), "521-5.7.1 local\n521 5.7.1 221");
      },
    ));
});

describe("a script that goes wrong", () => {
  const bad: Readonly<Record<string, string>> = {
    "throws what it likes": `throw ["a" => 1];`,
    "throws an exception": `throw Exception("no");`,
    "loops without end": `while (true) { $i += 1; }`,
    "calls itself without end": `function f($n) { return f($n + 1); } f(0);`,
    "grows a text without end": `$s = "xxxxxxxx"; while (true) { $s = $s . $s; }`,
    "divides what is no number": `$x = [] / "a";`,
    "waits without end": `while (true) { sleep(3600); }`,
  };
  const codes: Partial<Record<SessionHook, RegExp>> = {
    connect: /^421 4\.3\.0 /,
    proxy: /^451 4\.3\.0 /,
    helo: /^451 4\.3\.0 /,
    mailfrom: /^451 4\.3\.0 /,
    rcptto: /^451 4\.3\.0 /,
  };
  for (const [hook, code] of Object.entries(codes) as [SessionHook, RegExp][]) {
    for (const [what, text] of Object.entries(bad)) {
      test(`and ${what} in ${hook} gets its client a 4xx, and the next one is served`, () =>
        withHooks({ [hook]: text }, async (receiver) => {
          for (let round = 1; round <= 2; round++) {
            const talk = conversation(receiver);
            let isOver = false;
            void talk.finally(() => (isOver = true));
            while (!isOver) {
              receiver.clock.advance(60_000);
              await new Promise((resolve) => setTimeout(resolve, 1));
            }
            assert.ok(
              (await talk).some((line) => code.test(line)),
              JSON.stringify(await talk),
            );
            assert.ok(receiver.hookFigures.errors[hook] >= round);
          }
          await receiver.untilIdle();
        }));
    }
  }

  test("can be set to refuse for good, or to count as no script", async () => {
    const scripts = { mailfrom: `throw "x";` };
    const first = async (receiver: Receiver): Promise<string> => {
      const client = await receiver.greeted();
      const [reply = ""] = await mail(client);
      client.socket.destroy();
      return reply;
    };
    await withHooks(scripts, async (receiver) => assert.match(await first(receiver), /^554 5\.7\.1 /), {
      onError: "reject",
    });
    await withHooks(scripts, async (receiver) => assert.match(await first(receiver), /^250 2\.1\.0 /), {
      onError: "accept",
    });
  });

  const nonsense: Partial<Record<SessionHook, string>> = {
    mailfrom: `Accept(["sender" => "no address at all <>\\r\\n"]);`,
    rcptto: `Accept(["recipient" => ["localpart" => 7]]);`,
    helo: `Accept(["host" => "a b\\r\\n", "extensions" => [[1], none, "\\r\\nX"]]);`,
    connect: `Accept(["remoteip" => [1], "reason" => [[[]]], "reply_codes" => 3]);`,
    proxy: `Pass(["command" => [1, 2]]);`,
    auth: `Reject([[1], none, true]);`,
    disconnect: `Pass(["x" => none]);`,
  };
  for (const [hook, text] of Object.entries(nonsense)) {
    test(`and asks for nonsense in ${hook} harms nobody`, () =>
      withHooks({ [hook]: text }, async (receiver) => {
        const said = await conversation(receiver);
        for (const reply of said)
          for (const line of reply.split("\n")) assert.match(line, /^(\d{3}[ -][\x20-\x7e]*|<closed>)$/);
        for (const { envelope } of receiver.accepted) {
          assert.match(envelope.sender, /^\S+@\S+$/);
          for (const address of envelope.recipients) assert.match(address, /^\S+@\S+$/);
        }
        await receiver.untilIdle();
      }));
  }

  test("keeps what belongs to its run from the next hook", () =>
    withHooks(
      {
        connect: `$context = function () { return 1; };`,
        mailfrom: `Reject(string(is_function($context)));`,
      },
      async (receiver) => {
        const client = await receiver.greeted();
        assert.equal((await mail(client))[0], "554 5.7.1 false");
        client.socket.destroy();
      },
    ));
});

test("a reason that would print without end is said at once, after a wait too", async () => {
  const grow = `$a = ["x"]; for ($i = 0; $i < 40; $i += 1) { $a = [$a, $a]; }`;
  for (const wait of ["", "sleep(0.01);"])
    await withHooks({ mailfrom: `${grow} ${wait} Reject([$a, "short", $a]);` }, async (receiver) => {
      const client = await receiver.greeted();
      const reply = client.ask("MAIL FROM:<a@example.org>");
      await receiver.until(() => receiver.hookFigures.runs.mailfrom === 1, "the script runs");
      receiver.clock.advance(1000);
      assert.match(await reply, /^554-5\.7\.1 \n554-5\.7\.1 short\n554 5\.7\.1 $/);
      client.socket.destroy();
    });
});

test("setters of older scripts change what the end of the script lets through", () =>
  withHooks(
    {
      connect: `SetSenderIP("192.0.2.7");`,
      helo: `SetHELO("other.example");`,
      mailfrom: `SetSender("s@example.com"); Done(); Reject();`,
      rcptto: `SetRecipient("r@example.com"); Accept();`,
    },
    async (receiver) => {
      const client = await receiver.greeted();
      await mail(client);
      await client.ask("DATA");
      assert.match(await client.ask("x\r\n."), /^250 /);
      const [message] = receiver.accepted;
      assert.equal(message?.envelope.sender, "s@example.com");
      assert.deepEqual(message?.envelope.recipients, ["r@example.com"]);
      assert.equal(message?.origin.remoteIp, "192.0.2.7");
      assert.equal(message?.origin.helo, "other.example");
      client.socket.destroy();
    },
  ));

test("a script for some recipient domains is not asked about others", async () => {
  const hooks = hooksOf({ rcptto: "Reject();" });
  const [only] = hooks.rcptto;
  assert.ok(only !== undefined);
  const some = { ...hooks, rcptto: [{ ...only, domains: new Set(["example.com"]) }] };
  const receiver = await Receiver.start({ settings: { hooks: some } });
  const client = await receiver.greeted();
  assert.match((await mail(client, "ann@example.net"))[1] ?? "", /^250 /);
  assert.match(await client.ask("RCPT TO:<bob@Example.COM>"), /^554 /);
  client.socket.destroy();
  await receiver.close();
});

test("no hook is without a name in the tables", () => {
  assert.equal(new Set(sessionHooks).size, 8);
});
