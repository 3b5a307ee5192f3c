import assert from "node:assert/strict";
import { test } from "node:test";

import { hooksOf } from "../../testing/hook-scripts.ts";
import { Receiver, type ReceiverOptions } from "../../testing/receiver.ts";
import type { OnError } from "./scripts.ts";
import type { SessionHook } from "./stages.ts";

const message = "Subject: x\r\nX-Old: 1\r\n\r\nhello\r\n";

interface Result {
  readonly reply: string;
  readonly receiver: Receiver;
}

/** Sends one message to two recipients through these scripts. */
async function deliver(
  scripts: Partial<Record<SessionHook, string>>,
  check: (result: Result) => Promise<void> | void,
  options: ReceiverOptions & { onError?: OnError; text?: string } = {},
): Promise<void> {
  const { onError, text = message, ...rest } = options;
  const hooks = hooksOf(scripts, onError === undefined ? {} : { onError });
  const receiver = await Receiver.start({ ...rest, settings: { hooks, ...rest.settings } });
  try {
    const client = await receiver.greeted();
    await client.ask("MAIL FROM:<news@example.org> RET=HDRS");
    await client.ask("RCPT TO:<Ann@example.net> NOTIFY=NEVER");
    await client.ask("RCPT TO:<bob@example.com>");
    await client.ask("DATA");
    client.socket.write(text);
    const reply = await client.ask(".");
    await check({ reply, receiver });
    client.socket.destroy();
    await receiver.untilIdle();
    assert.deepEqual(
      receiver.files.paths().filter((path) => path.includes(".part")),
      [],
    );
  } finally {
    await receiver.close();
  }
}

const queueAll = `foreach ($transaction["recipients"] as $r)
  $arguments["mail"]->queue($transaction["senderaddress"], $r["address"], $r["transportid"]);`;

test("what is cached for one message is kept for all of its hooks, and asked anew for the next", async () => {
  const ask = `function ask() { return memory_inc("asked"); } $n = cache ["per_message" => true, "namespace" => "x"] ask();`;
  const hooks = hooksOf({
    mailfrom: `${ask} Accept();`,
    rcptto: `${ask} if ($n > 1) Reject("asked $n times"); Accept();`,
    eod: `${ask} Reject("$n");`,
  });
  const receiver = await Receiver.start({ settings: { hooks } });
  try {
    const client = await receiver.greeted();
    for (const wanted of ["550 5.7.1 1", "554 5.7.1 asked 2 times"]) {
      await client.ask("MAIL FROM:<a@example.org>");
      const taken = await client.ask("RCPT TO:<b@example.net>");
      if (!taken.startsWith("250")) assert.equal(taken, wanted);
      else {
        await client.ask("DATA");
        client.socket.write(message);
        assert.equal(await client.ask("."), wanted);
      }
    }
    client.socket.destroy();
    await receiver.untilIdle();
  } finally {
    await receiver.close();
  }
});

test("what a script queues for each recipient becomes one message with the wishes of the client", () =>
  deliver({ eod: `${queueAll} Accept();` }, async ({ reply, receiver }) => {
    const [queued, ...more] = receiver.accepted;
    assert.equal(more.length, 0);
    assert.equal(reply, `250 2.0.0 Ok: queued as ${queued?.id}`);
    assert.deepEqual(queued?.envelope.recipients, ["Ann@example.net", "bob@example.com"]);
    assert.deepEqual(queued?.envelope.dsn, {
      ret: "HDRS",
      envid: null,
      recipients: [{ notify: ["NEVER"], orcpt: null }, null],
    });
    assert.equal(await receiver.content(queued as NonNullable<typeof queued>), message);
  }));

for (const [size, text] of [
  ["in memory", message],
  ["in a file", `${message}${"0123456789\r\n".repeat(700)}`],
] as const) {
  test(`edits of the header of a message ${size} are stored and touch no other byte`, () =>
    deliver(
      {
        eod: `$mail = $arguments["mail"]; $mail->addHeader("X-New", "n"); $mail->setHeader("Subject", "y");
          $mail->delHeader("X-Old"); ${queueAll} Accept();`,
      },
      async ({ receiver }) => {
        const [queued] = receiver.accepted;
        const stored = await receiver.content(queued as NonNullable<typeof queued>);
        const [head, body] = [
          stored.slice(0, stored.indexOf("\r\n\r\n")),
          stored.slice(stored.indexOf("\r\n\r\n")),
        ];
        assert.deepEqual(head.split("\r\n").sort(), ["Subject: y", "X-New: n"]);
        assert.equal(body, text.slice(text.indexOf("\r\n\r\n")));
      },
      { inlineBytes: 1000, text },
    ));
}

test("copies that differ are messages of their own, with job, delay, hold and metadata", () =>
  deliver(
    {
      eod: `$m = $arguments["mail"];
        $a = $m->queue("a@example.org", "x@example.net", "out", ["jobid" => "j", "metadata" => ["k" => "v"]]);
        $m->setHeader("Subject", "other");
        $b = $m->queue("a@example.org", "y@example.net", "out2", ["delay" => 60]);
        $m->queue("a@example.org", "z@example.net", "out", ["hold" => true]);
        Accept(["reason" => [$a["queue"], $b["queue"], string($a["transaction"] == $transaction["id"])]]);`,
    },
    ({ reply, receiver }) => {
      assert.equal(reply, "250-2.0.0 1\n250-2.0.0 2\n250 2.0.0 true");
      const [first, second, third] = receiver.accepted;
      assert.equal(first?.envelope.jobId, "j");
      assert.deepEqual(first?.envelope.marks?.metadata, { k: "v" });
      assert.equal(second?.envelope.transportId, "out2");
      assert.equal(second?.envelope.holdUntil, receiver.clock.now() + 60_000);
      assert.equal(second?.envelope.marks?.first, 2);
      assert.equal(second?.envelope.marks?.transaction, first?.envelope.marks?.transaction);
      assert.equal(third?.recipients[0]?.state.status, "hold");
    },
  ));

test("an address is queued as a script has changed it, and as it came where the script has only looked at it", () =>
  deliver(
    {
      eod: `$sender = $transaction["senderaddress"]; $sender["localpart"] = "other";
        $looked = "";
        foreach ($transaction["recipients"] as $r) {
          foreach ($r["address"] as $name => $part) $looked .= "$name $part ";
          $arguments["mail"]->queue($sender, $r["address"], "out");
        }
        $changed = $transaction["recipients"][0]["address"]; $changed["domain"] = "else.example";
        $arguments["mail"]->queue($transaction["senderaddress"], $changed, "out");
        Accept(["reason" => $looked]);`,
    },
    ({ reply, receiver }) => {
      assert.equal(
        reply.trimEnd(),
        "250 2.0.0 localpart Ann domain example.net localpart bob domain example.com",
      );
      const stored = receiver.accepted.map(({ envelope }) => [envelope.sender, ...envelope.recipients]);
      assert.deepEqual(stored, [
        ["other@example.org", "Ann@example.net", "bob@example.com"],
        ["news@example.org", "Ann@else.example"],
      ]);
    },
  ));

test("accepting without queueing drops the message, ending without an action stores it as it came", async () => {
  await deliver({ eod: `Accept();` }, ({ reply, receiver }) => {
    assert.match(reply, /^250 /);
    assert.equal(receiver.accepted.length, 0);
  });
  await deliver({ eod: `$x = $arguments["mail"]->getHeader("Subject");` }, ({ reply, receiver }) => {
    assert.match(reply, /^250 /);
    assert.deepEqual(receiver.accepted[0]?.envelope.recipients, ["Ann@example.net", "bob@example.com"]);
  });
});

test("refusing stores nothing, whatever was queued before", () =>
  deliver(
    {
      eod: `${queueAll} Reject(["no", "way"], ["reply_codes" => ["code" => 552, "enhanced" => [5, 2, 2]]]);`,
    },
    ({ reply, receiver }) => {
      assert.equal(reply, "552-5.2.2 no\n552 5.2.2 way");
      assert.equal(receiver.accepted.length, 0);
      assert.equal(receiver.counters.refusedMessages, 1);
    },
  ));

test("deferring closes the connection with 421 unless told otherwise", () =>
  deliver({ eod: `Defer();` }, ({ reply }) => assert.equal(reply, "421 4.7.0 Not now, try again later")));

test("a script reads body, parts and files of a message that waits in a file", () =>
  deliver(
    {
      eod: `$m = $arguments["mail"];
        Reject([length($m->toString()), $m->toFile()->readline(), $m->getBody()[0:5], $m->getSize()]);`,
    },
    ({ reply }) => {
      const lines = reply.split("\n").map((line) => line.slice(10));
      assert.deepEqual(lines, [String(message.length), "Subject: x", "hello", String(message.length)]);
    },
    { inlineBytes: 10 },
  ));

test("recipients of several transports are stored apart, also without a script at the end", () =>
  deliver(
    { rcptto: `if ($arguments["address"]["domain"] == "example.com") Accept(["transportid" => "out2"]);` },
    ({ receiver }) => {
      const stored = receiver.accepted.map(({ envelope }) => [envelope.transportId, ...envelope.recipients]);
      assert.deepEqual(stored, [
        ["out", "Ann@example.net"],
        ["out2", "bob@example.com"],
      ]);
      assert.deepEqual(receiver.accepted[0]?.envelope.dsn?.recipients, [{ notify: ["NEVER"], orcpt: null }]);
    },
  ));

test("a wish that cannot be fulfilled is an error that the script sees, and nothing is stored for it", () =>
  deliver(
    {
      eod: `$m = $arguments["mail"];
        Accept(["reason" => [$m->queue("a@b.example", "x@y.example", "no-such")["error"],
          $m->queue("a b", "x@y.example", "out")["error"], $m->queue("a@b.example", "", "out")["error"]]]);`,
    },
    ({ reply, receiver }) => {
      assert.deepEqual(
        reply.split("\n").map((line) => line.slice(10)),
        ['there is no transport "no-such"', "the sender is no address", "the recipient is no address"],
      );
      assert.equal(receiver.accepted.length, 0);
    },
  ));

for (const [what, text] of Object.entries({
  throws: `${queueAll} throw "x";`,
  "loops without end": `${queueAll} while (true) { $i += 1; }`,
  "calls itself without end": `function f($n) { return f($n + 1); } f(0);`,
  "takes the message for something else": `$arguments["mail"]->queue([1], [2], [3]);`,
  "asks for a part that is gone": `$p = $arguments["mail"]->getParts()[7]; $p->remove();`,
})) {
  test(`a script that ${what} defers the message, and nothing of it is stored`, () =>
    deliver({ eod: text }, ({ reply, receiver }) => {
      assert.match(reply, /^451 4\.3\.0 /);
      assert.equal(receiver.accepted.length, 0);
      assert.equal(receiver.hookFigures.errors.eod, 1);
    }));
}

test("a script that fails may be set to count as none", () =>
  deliver(
    { eod: `throw "x";` },
    ({ reply, receiver }) => {
      assert.match(reply, /^250 /);
      assert.equal(receiver.accepted.length, 1);
    },
    { onError: "accept" },
  ));

test("a message that a script has kept from before is gone, and nothing cut is stored", async () => {
  const eod = `if (isset($context)) $context->queue("a@example.org", "b@example.net", "out");
    $context = $arguments["mail"]; $context->getHeader("Subject"); if ($transaction["sender"] == "last@example.org") Accept();`;
  const receiver = await Receiver.start({ settings: { hooks: hooksOf({ eod }) } });
  const client = await receiver.inData();
  assert.match(await client.ask("Subject: x\r\n\r\nhello\r\n."), /^250 /);
  await client.ask("MAIL FROM:<last@example.org>");
  await client.ask("RCPT TO:<ann@example.net>");
  await client.ask("DATA");
  assert.match(await client.ask("Subject: y\r\n\r\nhello\r\n."), /^451 4\.3\.0 /);
  assert.equal(receiver.accepted.length, 1);
  client.socket.destroy();
  await receiver.untilIdle();
  await receiver.close();
});

test("a held message that cannot be read when it is to be stored is refused, and the next one is taken", async () => {
  const eod = `$arguments["mail"]->queue("a@example.org", "b@example.net", "out");`;
  const receiver = await Receiver.start({ settings: { hooks: hooksOf({ eod }) }, inlineBytes: 10 });
  const client = await receiver.inData();
  receiver.files.failNext("read");
  assert.match(await client.ask("Subject: x\r\n\r\nhello\r\n."), /^451 4\.3\.0 /);
  assert.equal(receiver.accepted.length, 0);
  for (const line of ["MAIL FROM:<a@example.org>", "RCPT TO:<ann@example.net>", "DATA"])
    await client.ask(line);
  assert.match(await client.ask("Subject: x\r\n\r\nhello\r\n."), /^250 /);
  assert.equal(receiver.accepted.length, 1);
  client.socket.destroy();
  await receiver.untilIdle();
  await receiver.close();
});

test("a client that goes while the script waits leaves nothing behind", async () => {
  const receiver = await Receiver.start({ settings: { hooks: hooksOf({ eod: `sleep(10); Reject();` }) } });
  const client = await receiver.inData();
  client.socket.write("x\r\n.\r\n");
  await receiver.until(() => receiver.hookFigures.runs.eod === 1, "the script runs");
  client.socket.destroy();
  receiver.clock.advance(10_000);
  await receiver.untilIdle();
  assert.equal(receiver.accepted.length, 0);
  await receiver.close();
});

test("a spool that cannot hold the message refuses it, and the next one is taken", async () => {
  const receiver = await Receiver.start({ settings: { hooks: hooksOf({ eod: "" }) }, inlineBytes: 10 });
  const client = await receiver.inData();
  receiver.files.failNext("append");
  assert.match(await client.ask(`${"x".repeat(500)}\r\n.`), /^451 4\.3\.0 /);
  await client.ask("MAIL FROM:<news@example.org>");
  await client.ask("RCPT TO:<ann@example.net>");
  await client.ask("DATA");
  assert.match(await client.ask("Subject: x\r\n\r\nhello\r\n."), /^250 /);
  client.socket.destroy();
  await receiver.untilIdle();
  await receiver.close();
});
