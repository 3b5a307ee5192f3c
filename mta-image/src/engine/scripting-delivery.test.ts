/** Scripts around attempts in a whole engine: real files, real sockets, real deliveries. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import type { QueuePage } from "#contract/admin-api.ts";

import { queuedIn, sendTo } from "../../testing/engine-mail.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

let sink: MailSink;
let other: MailSink;
before(async () => {
  sink = await MailSink.start();
  other = await MailSink.start();
});
after(() => Promise.all([sink.stop(), other.stop()]));
beforeEach(() => {
  for (const one of [sink, other]) {
    one.received.length = 0;
    one.attempts = 0;
    one.answer = () => "accept";
    one.answerRcpt = () => "accept";
  }
});
const engines: Engine[] = [];
after(() => Promise.all(engines.map((engine) => engine.stop())));

interface Scripts {
  readonly predelivery?: string;
  readonly postdelivery?: string;
  readonly eod?: string;
  readonly onerror?: string;
}

async function engine({ eod, onerror, ...queue }: Scripts): Promise<Engine> {
  const hooks = { ...queue, ...(eod === undefined ? {} : { eod: [{ id: "end", data: eod }] }) };
  const started = await startEngine({
    server: `127.0.0.1:${sink.port}`,
    appServer: eod === undefined ? {} : { phases: { eod: { hook: "end" } } },
    group: { retry: { count: 3, intervals: [{ interval: "1h" }] } },
    app: { scripting: { hooks, ...(onerror === undefined ? {} : { onerror }) } },
  });
  engines.push(started);
  return started;
}

const isDeferred = (list: QueuePage["entries"]): boolean => list.length === 1 && list[0]?.attempts === 1;
/** By a script that failed: none of the schedule's tries is used up. */
const isPutOff = (list: QueuePage["entries"]): boolean =>
  list.length === 1 && list[0]?.lastReply === "Put off by a script that failed" && list[0].attempts === 0;
const isEmpty = (list: readonly unknown[]): boolean => list.length === 0;

test("predelivery sends recipients where it wants, those of one way together", async () => {
  const mta = await engine({
    predelivery: `if ($message["recipientaddress"]["localpart"] != "ann") Try(["server" => "127.0.0.1:${other.port}"]);`,
  });
  await sendTo(mta, "ann@example.net", "bob@example.net", "cid@example.net");
  await until(
    () => sink.received.length + other.received.length,
    (count) => count === 2,
  );
  assert.deepEqual(sink.received[0]?.recipients, ["ann@example.net"]);
  assert.deepEqual(other.received[0]?.recipients, ["bob@example.net", "cid@example.net"]);
});

test("an empty text in the place of options is none", async () => {
  const mta = await engine({ predelivery: `$options = ""; Try($options);` });
  await sendTo(mta, "ann@example.net");
  await sink.taken(1);
  assert.deepEqual(sink.received[0]?.recipients, ["ann@example.net"]);
});

test("predelivery sees the message and reads its bytes", async () => {
  const mta = await engine({
    predelivery: `$f = $message["file"]["original"]; $text = $f->read();
      if ($message["sender"] != "") Bounce(["reason" => "%s %s %s %s %s" % [$message["sender"], $message["recipient"], $message["transportid"],
        string(length($text) == $message["size"]), string($text =~ #/hello/)]]);`,
  });
  await sendTo(mta, "Ann@example.net");
  await sink.taken(1);
  const notice = sink.received[0]?.content.toString() ?? "";
  assert.match(notice, /news@example\.org ann@example\.net default true true/);
  assert.match(notice, /Status: 5\.7\.1/);
});

test("predelivery puts off, for its own time", async () => {
  const mta = await engine({
    predelivery: `if ($arguments["retry"] == 0) Queue(["delay" => 7200, "reason" => "not yet"]);`,
  });
  await sendTo(mta, "ann@example.net");
  const [entry] = await until(() => queuedIn(mta), isDeferred);
  assert.equal(entry?.lastReply, "not yet");
  assert.equal(sink.attempts, 0);
  await mta.admin("POST", "/v1/queue/retry", { recipientDomain: "example.net" });
  await sink.taken(1);
});

test("a hold and another transport that scripts want outlive a restart of the engine", async () => {
  const folder = mkdtempSync(join(tmpdir(), "held-"));
  const script = `if ($message["transportid"] == "default") Queue(["hold" => true, "transportid" => "second", "increment_retry" => false]);`;
  const start = (): Promise<Engine> =>
    startEngine({
      folder,
      server: `127.0.0.1:${sink.port}`,
      group: { transports: [{ id: "default" }, { id: "second" }] },
      app: { scripting: { hooks: { predelivery: script } } },
    });
  const first = await start();
  await sendTo(first, "ann@example.net");
  await until(
    () => queuedIn(first),
    ([entry]) => entry?.status === "hold",
  );
  await first.stop();
  const again = await start();
  engines.push(again);
  const [entry] = await queuedIn(again);
  assert.deepEqual([entry?.status, entry?.transportId, entry?.attempts], ["hold", "second", 0]);
  assert.equal(sink.attempts, 0);
  await again.admin("POST", "/v1/queue/release", { recipientDomain: "example.net" });
  await sink.taken(1);
  rmSync(folder, { recursive: true, force: true });
});

test("a transport that is not there is a failure of the script: before an attempt it puts off, after it nothing changes", async () => {
  const mta = await engine({
    predelivery: `if (memory_add("asked", true)) Queue(["transportid" => "nowhere", "reason" => "mine"]);`,
    postdelivery: `Queue(["transportid" => "nowhere", "reason" => "mine"]);`,
  });
  await sendTo(mta, "ann@example.net");
  await until(() => queuedIn(mta), isPutOff);
  sink.answerRcpt = () => ({ code: 451, text: "4.7.1 later" });
  await mta.admin("POST", "/v1/queue/retry", { recipientDomain: "example.net" });
  const [later] = await until(() => queuedIn(mta), isDeferred);
  assert.match(later?.lastReply ?? "", /^451 4\.7\.1 later/);
});

test("postdelivery hears of mail that predelivery returned or dropped, and may decide otherwise", async () => {
  const mta = await engine({
    predelivery: `$context = "kept";
      if ($message["sender"] == "") Try();
      if ($message["recipientaddress"]["localpart"] == "ann") Bounce(["reason" => "no such Ann"]);
      if ($arguments["retry"] == 0) Delete(["reason" => "unwanted"]);`,
    postdelivery: `if ($message["sender"] == "") Default();
      memory_update("heard", [$message["recipientaddress"]["localpart"], $context, $arguments["action"], $arguments["attempt"],
        $arguments["dsn"]["action"], $arguments["dsn"]["diagnosticcode"]], function ($k, $list, $item) { $list[] = $item; return $list; }, []);
      if ($message["recipientaddress"]["localpart"] == "bob") Queue(["delay" => 7200, "reason" => string(memory_fetch("heard"))]);`,
  });
  await sendTo(mta, "ann@example.net");
  await sink.taken(1);
  assert.match(sink.received[0]?.content.toString() ?? "", /no such Ann/);
  await sendTo(mta, "cid@example.net");
  await until(() => queuedIn(mta), isEmpty);
  await sendTo(mta, "bob@example.net");
  const [kept] = await until(() => queuedIn(mta), isDeferred);
  assert.deepEqual(
    kept?.lastReply.split("],").map((one) => one.replace(/^.*=>\[/, "").replace(/\]+$/, "")),
    [
      '0=>"ann",1=>"kept",2=>"BOUNCE",3=>none,4=>"failed",5=>"no such Ann"',
      '0=>"cid",1=>"kept",2=>"DELETE",3=>none,4=>none,5=>"unwanted"',
      '0=>"bob",1=>"kept",2=>"DELETE",3=>none,4=>none,5=>"unwanted"',
    ],
  );
  assert.equal(sink.attempts, 1);
});

test("predelivery drops mail without a word", async () => {
  const mta = await engine({ predelivery: `Delete();` });
  await sendTo(mta, "ann@example.net");
  await until(() => queuedIn(mta), isEmpty);
  assert.equal(sink.attempts, 0);
});

test("postdelivery goes on where the engine would give up, and hears what predelivery left", async () => {
  const mta = await engine({
    predelivery: `$context = ["n" => $arguments["retry"]]; SetMetaData(["tries" => string(number(GetMetaData()["tries"]) + 1)]);`,
    postdelivery: `$result = $arguments["attempt"]["result"];
      if ($arguments["action"] == "BOUNCE") Queue(["delay" => 60, "reason" => "%s %d %s %d %s" % [$result["code"],
        $result["enhanced"][0], $result["reason"][0], $context["n"], GetMetaData()["tries"]]]);`,
  });
  sink.answerRcpt = () => ({ code: 550, text: "5.1.1 nobody here" });
  await sendTo(mta, "ann@example.net");
  const [first] = await until(() => queuedIn(mta), isDeferred);
  assert.equal(first?.lastReply, "550 5 nobody here 0 1");
  await mta.admin("POST", "/v1/queue/retry", { recipientDomain: "example.net" });
  const [second] = await until(
    () => queuedIn(mta),
    (list) => list[0]?.attempts === 2,
  );
  assert.equal(second?.lastReply, "550 5 nobody here 1 2");
});

test("postdelivery gives up early and tells the sender, or nobody", async () => {
  const mta = await engine({
    postdelivery: `if ($arguments["action"] == "QUEUE") {
        if ($message["recipient"] == "ann@example.net") Bounce(["reason" => "enough"]);
        Delete();
      }`,
  });
  sink.answerRcpt = (address) =>
    address.endsWith("example.net") ? { code: 451, text: "4.7.1 later" } : "accept";
  await sendTo(mta, "ann@example.net", "bob@example.net");
  await sink.taken(1);
  const notice = sink.received[0]?.content.toString() ?? "";
  assert.match(notice, /Final-Recipient: rfc822; ann@example\.net\r\nAction: failed\r\nStatus: 5\.7\.1/);
  assert.doesNotMatch(notice, /bob@example\.net/);
  await until(() => queuedIn(mta), isEmpty);
});

test("what was delivered stays so, whatever a script says", async () => {
  const mta = await engine({ postdelivery: `if (not isset($arguments["action"])) Queue(["delay" => 0]);` });
  await sendTo(mta, "ann@example.net");
  await until(() => queuedIn(mta), isEmpty);
  assert.equal(sink.received.length, 1);
});

test("what the end of data keeps with a message is there before its attempt", async () => {
  const mta = await engine({
    eod: `$m = $arguments["mail"];
      $m->queue("news@example.org", "ann@example.net", "default", ["metadata" => ["to" => "${other.port}"]]);
      memory_store("id", $transaction["id"]); Accept();`,
    predelivery: `if (memory_fetch("id") == $message["id"]["transaction"]) Try(["server" => ["host" => "127.0.0.1", "port" => number(GetMetaData()["to"])]]);`,
  });
  await sendTo(mta, "ann@example.net");
  await other.taken(1);
  assert.equal(sink.received.length, 0);
});

test("a script makes mail of its own", async () => {
  const mta = await engine({
    postdelivery: `if ($message["recipient"] == "ann@example.net")
      MIME()->addHeader("Subject", "delivered")->setBody("it was")->queue("", "boss@example.com", "default");`,
  });
  await sendTo(mta, "ann@example.net");
  await sink.taken(2);
  assert.deepEqual(sink.received[1]?.recipients, ["boss@example.com"]);
  assert.match(sink.received[1]?.content.toString() ?? "", /Subject: delivered/);
});

for (const [what, text] of Object.entries({
  throws: `throw "x";`,
  "loops without end": `while (true) { $i += 1; }`,
  "calls itself without end": `function f($n) { return f($n + 1); } f(0);`,
})) {
  test(`a predelivery script that ${what} puts its mail off, and the next message is served`, async () => {
    const mta = await engine({ predelivery: `if ($message["recipient"] == "ann@example.net") { ${text} }` });
    await sendTo(mta, "ann@example.net");
    await until(() => queuedIn(mta), isPutOff);
    await sendTo(mta, "bob@example.com");
    await sink.taken(1);
  });

  test(`a postdelivery script that ${what} changes nothing of the outcome`, async () => {
    const mta = await engine({ postdelivery: text });
    await sendTo(mta, "ann@example.net");
    await until(() => queuedIn(mta), isEmpty);
    assert.equal(sink.received.length, 1);
  });
}

test("a predelivery script that fails may count as none, and never returns mail", async () => {
  const accepting = await engine({ predelivery: `throw "x";`, onerror: "accept" });
  await sendTo(accepting, "ann@example.net");
  await until(() => queuedIn(accepting), isEmpty);
  assert.equal(sink.received.length, 1);
  const rejecting = await engine({ predelivery: `throw "x";`, onerror: "reject" });
  await sendTo(rejecting, "ann@example.net");
  await until(() => queuedIn(rejecting), isPutOff);
  assert.equal(sink.received.length, 1);
});

for (const [what, options] of Object.entries({
  "a transport that is not there": `"transportid" => "nothing"`,
  "a server that is none": `"server" => ["x y"]`,
  "a source that is no text": `"sourceip" => [7]`,
  "a mode of TLS that is none": `"tls" => "perhaps"`,
})) {
  test(`Try with ${what} counts as a failure of the script`, async () => {
    const mta = await engine({ predelivery: `Try([${options}]);` });
    await sendTo(mta, "ann@example.net");
    await until(() => queuedIn(mta), isPutOff);
    assert.equal(sink.attempts, 0);
  });
}

for (const [what, args] of Object.entries({
  "there is no such plugin": `none`,
  "its arguments have no end": `$a`,
})) {
  test(`mail for a plugin is put off when ${what}`, async () => {
    const mta = await engine({
      predelivery: `$a = ["x"]; for ($i = 0; $i < 60; $i += 1) { $a = [$a, $a]; }
        Try(["plugin" => ["id" => "nothing", "arguments" => ${args}]]);`,
    });
    await sendTo(mta, "ann@example.net");
    const [entry] = await until(() => queuedIn(mta), isDeferred);
    assert.match(entry?.lastReply ?? "", /no plugin "nothing"|too large for a plugin/);
    assert.equal(sink.attempts, 0);
  });
}

test("a source address that nobody configured defers, and says so", async () => {
  const mta = await engine({ predelivery: `Try(["sourceip" => "no-such"]);` });
  await sendTo(mta, "ann@example.net");
  const [entry] = await until(() => queuedIn(mta), isDeferred);
  assert.match(entry?.lastReply ?? "", /there is no address "no-such"/);
});

test("a source address with a name of its own is used", async () => {
  const mta = await engine({
    predelivery: `Try(["sourceip" => [["address" => "127.0.0.9", "helo" => "nine.example.org"]], "server" => "127.0.0.1:${other.port}"]);`,
  });
  await sendTo(mta, "ann@example.net");
  await other.taken(1);
  assert.equal(other.received[0]?.helo, "nine.example.org");
});
