import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { CourierRig, inMemory, inPieces, type RigOptions, withoutEnd } from "../../testing/courier-rig.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import { until } from "../../testing/until.ts";

let host: ScriptedHost;
let rigs: CourierRig[] = [];
beforeEach(async () => {
  host = await ScriptedHost.start();
});
afterEach(async () => {
  await Promise.all(rigs.map((rig) => rig.courier.close(0)));
  rigs = [];
  await host.stop();
});

function rig(options: RigOptions = {}): CourierRig {
  const made = new CourierRig(host.port, options);
  rigs.push(made);
  return made;
}

const TAKEN = "delivered 2.0.0 250 2.0.0 taken";

test("one connection serves one message after the other", async () => {
  const { courier, deliver } = bound(rig());
  for (let i = 0; i < 3; i++) assert.deepEqual(await deliver(), [TAKEN]);
  assert.equal(host.connections, 1);
  assert.equal(courier.connections, 1);
  assert.equal(host.words, "EHLO MAIL RCPT DATA . MAIL RCPT DATA . MAIL RCPT DATA .");
});

test("the next message's commands travel with the one before", async () => {
  const { deliver } = bound(rig({ settings: { maxConnections: 1 } }));
  let repliedToFirst = false;
  host.answer = ({ line, message }) => {
    // The host keeps its reply until it has seen the next MAIL.
    if (line === "." && message === 1) return "silence";
    if (line.startsWith("MAIL") && message === 1 && !repliedToFirst) {
      repliedToFirst = true;
      return "250 2.0.0 first\r\n250 2.1.0 ok\r\n";
    }
    return undefined;
  };
  const both = await Promise.all([deliver(), deliver()]);
  assert.deepEqual(both, [["delivered 2.0.0 250 2.0.0 first"], [TAKEN]]);
  assert.equal(host.connections, 1);
});

test("a connection goes after its number of messages, and the next takes over", async () => {
  const { deliver } = bound(rig({ settings: { maxConnections: 1, maxTransactions: 2 } }));
  assert.deepEqual(await Promise.all(Array.from({ length: 5 }, () => deliver())), Array(5).fill([TAKEN]));
  assert.equal(host.connections, 3);
});

test("a host that says MAILMAX gets no more than that on a connection", async () => {
  host.keywords = ["PIPELINING", "LIMITS MAILMAX=1"];
  const { deliver } = bound(rig({ settings: { maxConnections: 1 } }));
  await Promise.all([deliver(), deliver()]);
  assert.equal(host.connections, 2);
});

test("a host that says RCPTMAX gets a message in parts", async () => {
  host.keywords = ["PIPELINING", "LIMITS RCPTMAX=2"];
  const to = ["a@example.net", "b@example.net", "c@example.net", "d@example.net", "e@example.net"];
  assert.deepEqual(
    await bound(rig({ settings: { maxConnections: 1 } })).deliver({ to }),
    Array(5).fill(TAKEN),
  );
  assert.equal(host.words, "EHLO MAIL RCPT RCPT DATA . MAIL RCPT RCPT DATA . MAIL RCPT DATA .");
});

test("recipients beyond what a host takes at once follow in another transaction", async () => {
  let inThisOne = 0;
  host.answer = ({ line }) => {
    if (line.startsWith("MAIL")) inThisOne = 0;
    return line.startsWith("RCPT") && ++inThisOne > 2 ? "452 4.5.3 too many recipients\r\n" : undefined;
  };
  const to = ["a@example.net", "b@example.net", "c@example.net"];
  assert.deepEqual(await bound(rig()).deliver({ to }), Array(3).fill(TAKEN));
  assert.equal(host.messages.length, 2);
});

for (const goodbye of ["421 4.4.2 idle too long\r\n", "cut"] as const) {
  test(`a host that is done with the connection (${goodbye.trim()}) gets the message on a new one`, async () => {
    host.answer = ({ line, connection, message }) =>
      connection === 1 && message === 1 && line.startsWith("MAIL") ? goodbye : undefined;
    const { deliver } = bound(rig({ settings: { maxConnections: 1 } }));
    assert.deepEqual(await Promise.all([deliver(), deliver()]), [[TAKEN], [TAKEN]]);
    assert.equal(host.connections, 2);
  });
}

test("what waits behind an unclear message is tried again, the unclear one is not", async () => {
  host.answer = ({ line, connection }) => (connection === 1 && line === "." ? "cut" : undefined);
  const { deliver } = bound(rig({ settings: { maxConnections: 1 } }));
  const [first, second] = await Promise.all([deliver(), deliver()]);
  assert.match(first?.[0] ?? "", /^unclear 4\.4\.2 .*\(after the end of data\)$/);
  assert.deepEqual(second, [TAKEN]);
  assert.equal(host.messages.length, 2);
});

test("a goodbye while nothing is under way costs nothing", async () => {
  const { deliver, courier } = bound(rig());
  await deliver();
  host.sayToAll("421 4.4.2 idle too long\r\n");
  await until(
    () => courier.connections,
    (count) => count === 0,
  );
  assert.deepEqual(await deliver(), [TAKEN]);
});

test("a host that always hangs up on the second message does not send it round for ever", async () => {
  host.answer = ({ line, message }) => (line.startsWith("MAIL") && message > 0 ? "cut" : undefined);
  const { deliver } = bound(rig({ settings: { maxConnections: 1 } }));
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => deliver()));
  assert.deepEqual(outcomes.flat(), Array(8).fill(TAKEN));
});

test("a silent host is left when its time is up, and only what it may have taken is unclear", async () => {
  const clock = new ManualClock();
  host.keywords = [];
  for (const [silentAt, becomes] of [
    ["MAIL", "deferred 4.4.2 Timed out waiting for a reply: in phase mail"],
    [".", "unclear 4.4.2 Timed out waiting for a reply (after the end of data)"],
  ] as const) {
    host.answer = ({ line }) => (line.startsWith(silentAt) ? "silence" : undefined);
    const before = host.lines.length;
    const pending = bound(rig({ clock })).deliver();
    await until(
      () => host.lines.slice(before).some((line) => line.startsWith(silentAt)),
      (seen) => seen,
    );
    clock.advance(700_000);
    assert.deepEqual(await pending, [becomes]);
  }
});

test("dots in front of lines arrive stuffed, and nothing else is touched", async () => {
  const content = ".\r\n..\r\na.b\r\n.c\r\n\r\n.\r\nno line end";
  await bound(rig()).deliver({ content });
  await bound(rig()).deliver({
    content: inPieces(".\r\n..\r", "\na.b\r\n", ".c\r\n\r", "\n.", "\r\nno line end"),
  });
  const wanted = "..\r\n...\r\na.b\r\n..c\r\n\r\n..\r\nno line end\r\n";
  assert.deepEqual(host.messages, [wanted, wanted]);
});

test("a bare CR or LF never leaves, so no host finds a command in a message", async () => {
  const smuggled = ["a\n.\r\nMAIL FROM:<x@y>\r\n", "a\r.\rb\n.\nc\r\n", "a\r\n.\rb", "a\r", "\n"];
  for (const content of smuggled) {
    await bound(rig()).deliver({ content });
    await bound(rig()).deliver({ content: inPieces(...content) });
  }
  const wanted = [
    "a\r\n..\r\nMAIL FROM:<x@y>\r\n",
    "a\r\n..\r\nb\r\n..\r\nc\r\n",
    "a\r\n..\r\nb\r\n",
    "a\r\n",
    "\r\n",
  ];
  assert.deepEqual(
    host.messages,
    wanted.flatMap((text) => [text, text]),
  );
  assert.equal(host.lines.filter((line) => line === "MAIL FROM:<x@y>").length, 0);
});

test("an empty message is sent as one", async () => {
  assert.deepEqual(await bound(rig()).deliver({ content: "" }), [TAKEN]);
  assert.deepEqual(host.messages, [""]);
});

test("a host that has seen enough of a long message is heard and left", async () => {
  host.keywords = [];
  host.answer = ({ line }) => {
    if (line === "DATA") host.interrupt("552 5.3.4 that is enough\r\n");
    return undefined;
  };
  const { deliver, courier } = bound(rig());
  assert.deepEqual(await deliver({ content: withoutEnd() }), ["failed 5.3.4 552 5.3.4 that is enough"]);
  assert.equal(courier.connections, 0);
});

test("content that cannot be read midway is never ended as if it were whole", async () => {
  const broken = {
    kind: "file" as const,
    async *chunks() {
      yield Buffer.from("Subject: half\r\n\r\nhalf\r\n");
      throw new Error("read error");
    },
  };
  const [outcome] = await bound(rig()).deliver({ content: broken });
  assert.match(outcome ?? "", /^deferred 4\.3\.0 The message could not be read from the spool: read error/);
  assert.deepEqual(host.messages, []);
});

test("a reply that comes with 354 is not taken for one to content that was not sent yet", async () => {
  for (const keywords of [["PIPELINING"], []]) {
    host.keywords = keywords;
    host.answer = ({ line }) => (line === "DATA" ? "354 go on\r\n250 2.0.0 taken\r\n" : undefined);
    assert.deepEqual(await rig().deliver(), [
      "deferred 4.5.0 The host does not speak SMTP properly: more behind 354 than was asked for",
    ]);
  }
  assert.deepEqual(host.messages, []);
});

test("a host that replies more often than it is asked costs no recipient of the next message its own reply", async () => {
  host.keywords = [];
  host.answer = ({ line, connection }) => {
    if (line === "." && connection === 1) return "250 2.0.0 taken\r\n250 2.0.0 taken again\r\n";
    return line.includes("nobody") ? "550 5.1.1 unknown\r\n" : undefined;
  };
  const made = rig({ settings: { maxConnections: 1 } });
  const both = await Promise.all([
    made.deliver(),
    made.deliver({ to: ["ann@example.net", "nobody@example.net"] }),
  ]);
  assert.deepEqual(both, [[TAKEN], [TAKEN, "failed 5.1.1 550 5.1.1 unknown"]]);
  assert.equal(host.connections, 2);
});

test("of a host that is out of step no refusal is believed, whichever reply is too many or missing", async () => {
  const to = ["ann@example.net", "nobody@example.net", "bob@example.net"];
  const odd: readonly Record<string, string>[] = [
    { MAIL: "250 ok\r\n250 ok\r\n" },
    { MAIL: "silence" },
    { ANN: "250 ok\r\n250 ok\r\n" },
    { ANN: "silence" },
    { DATA: "250 ok\r\n354 go on\r\n" },
  ];
  for (const replies of odd) {
    host.answer = ({ line }) => {
      if (line.includes("nobody")) return "550 5.1.1 unknown\r\n";
      return replies[line.includes("<ann@") ? "ANN" : line.replace(/[ :].*/, "")];
    };
    const outcomes = await rig().deliver({ to });
    for (const outcome of outcomes) assert.match(outcome, /^deferred 4\.5\.0 /, JSON.stringify(replies));
  }
  assert.deepEqual(host.messages.join(""), "");
});

test("refusals of a host that hangs up behind them, or refuses RSET, are heard", async () => {
  for (const end of ["cut", "500 5.5.1 what\r\n", "421 4.3.2 bye\r\n"]) {
    host.answer = ({ line }) => {
      if (line.startsWith("RCPT") && line.includes("nobody")) return "550 5.1.1 unknown\r\n";
      if (line === "DATA") return "554 5.7.1 not you\r\n";
      return line === "RSET" ? end : undefined;
    };
    assert.deepEqual(await rig().deliver({ to: ["ann@example.net", "nobody@example.net"] }), [
      "failed 5.7.1 554 5.7.1 not you",
      "failed 5.1.1 550 5.1.1 unknown",
    ]);
  }
});

test("a goodbye that comes with the last answer takes nothing from what was said before", async () => {
  const bye = "421 4.7.0 too many errors\r\n";
  host.answer = ({ line }) => {
    if (line.startsWith("RCPT")) return "550 5.1.1 unknown\r\n";
    return line === "DATA" ? `503 5.5.1 no recipients\r\n${bye}` : undefined;
  };
  assert.deepEqual(await rig().deliver(), ["failed 5.1.1 550 5.1.1 unknown"]);
  host.answer = ({ line }) => (line === "." ? `250 2.0.0 taken\r\n${bye}` : undefined);
  assert.deepEqual(await rig().deliver(), [TAKEN]);
  host.answer = ({ line }) => (line === "DATA" ? `354 go on\r\n${bye}` : undefined);
  assert.deepEqual(await rig().deliver(), ["deferred 4.7.0 421 4.7.0 too many errors"]);
});

test("a host that refuses the sender and takes the recipients all the same gets no empty message for them", async () => {
  host.answer = ({ line }) => (line.startsWith("MAIL") ? "550 5.7.1 not you\r\n" : undefined);
  assert.deepEqual(await rig().deliver(), ["failed 5.7.1 550 5.7.1 not you"]);
  host.answer = () => undefined;
  assert.deepEqual(await rig().deliver(), [TAKEN]);
  assert.equal(host.messages.length, 1);
});

test("a host that closes in place of an answer has taken nothing that we could count on", async () => {
  host.answer = ({ line }) => (line === "." ? "221 2.0.0 bye\r\n" : undefined);
  assert.match((await rig().deliver())[0] ?? "", /^unclear 4\.5\.0 .*221 in phase final/);
  host.answer = ({ line }) => (line.startsWith("RCPT") ? "221 2.0.0 bye\r\n" : undefined);
  assert.match((await rig().deliver())[0] ?? "", /^deferred 4\.5\.0 .*221 in phase rcpt/);
});

test("a host that goes on behind its hello unasked is said to do so", async () => {
  host.keywords = [];
  host.answer = ({ line }) => (line.startsWith("EHLO") ? "250 host\r\n250 again\r\n" : undefined);
  assert.deepEqual(await rig().deliver(), [
    "deferred 4.5.0 The host does not speak SMTP properly: reply before command",
  ]);
});

test("a goodbye is heard as the answer to what was asked", async () => {
  for (const [asked, step] of [
    ["MAIL", "mail"],
    ["RCPT", "rcpt"],
    ["DATA", "data"],
    [".", "end-of-data"],
  ] as const) {
    host.answer = ({ line }) => (line.startsWith(asked) ? "421 4.3.2 bye\r\n" : undefined);
    const [outcome] = await rig().outcomes();
    assert.deepEqual([outcome?.kind, outcome?.step], ["deferred", step]);
  }
});

test("a message that cannot be read at all leaves the others alone", async () => {
  const made = rig();
  const { deliver } = bound(made);
  await deliver();
  const lost = deliver();
  made.contents.clear();
  assert.match((await lost)[0] ?? "", /^deferred 4\.3\.0 /);
  assert.deepEqual(await deliver(), [TAKEN]);
});

test("size, eight-bit and UTF-8 are said where the host knows them", async () => {
  await bound(rig()).deliver({ content: "Subject: ä\r\n\r\n", to: ["jörg@example.net"] });
  assert.equal(host.lines[1], "MAIL FROM:<news@example.org> SIZE=14 BODY=8BITMIME SMTPUTF8");
  assert.equal(host.lines[2], `RCPT TO:<${Buffer.from("jörg@example.net").toString("latin1")}>`);
});

test("a domain beyond ASCII is said in ASCII where nothing else asks for UTF-8, so that any host takes it", async () => {
  for (const keywords of [["SMTPUTF8"], []]) {
    host.keywords = keywords;
    host.lines.length = 0;
    const mail = { from: "ann@exämple.org", to: ["bob@bücher.example"] };
    assert.deepEqual(await bound(rig()).deliver(mail), [TAKEN]);
    assert.deepEqual(host.lines.slice(1, 3), [
      "MAIL FROM:<ann@xn--exmple-cua.org>",
      "RCPT TO:<bob@xn--bcher-kva.example>",
    ]);
  }
});

test("what a host cannot take fails without being sent", async () => {
  host.keywords = ["SIZE 100"];
  const { deliver } = bound(rig());
  assert.match((await deliver({ smtpUtf8: true }))[0] ?? "", /^failed 5\.6\.7 /);
  assert.match((await deliver({ content: inMemory("x".repeat(200)) }))[0] ?? "", /^failed 5\.3\.4 /);
  assert.equal(host.words, "EHLO");
});

test("an address that would end a command is never sent", async () => {
  const { deliver } = bound(rig());
  const outcomes = await deliver({
    to: ["a@example.net", "b>\r\nRCPT TO:<c@example.net", "d e@example.net"],
  });
  assert.deepEqual(
    outcomes.map((text) => text.slice(0, 15)),
    ["delivered 2.0.0", "failed 5.1.3 Th", "failed 5.1.3 Th"],
  );
  assert.match((await deliver({ from: "x@y> SIZE=1" }))[0] ?? "", /^failed 5\.1\.7 /);
  assert.equal(host.lines.filter((line) => line.startsWith("RCPT")).length, 1);
});

function bound(made: CourierRig): Pick<CourierRig, "courier" | "deliver"> {
  return { courier: made.courier, deliver: (mail) => made.deliver(mail) };
}
