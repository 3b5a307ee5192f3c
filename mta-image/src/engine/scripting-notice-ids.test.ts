/** The ids that scripts hear of notices before there are any, in a whole engine: real files, real sockets, real notices. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { queuedIn, sendTo } from "../../testing/engine-mail.ts";
import { startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

let sink: MailSink;
before(async () => {
  sink = await MailSink.start();
});
after(() => sink.stop());

interface Id {
  readonly transaction: string;
  readonly queue: number;
}

interface Noticed {
  /** Of each notice, as scripts see it on its way. */
  readonly notices: readonly Id[];
  /** What scripts heard in advance, by local part. */
  readonly told: Readonly<Record<string, Id | null>>;
}

/** The notices of one message to Ann and Bob, whose host answers so; they are held, and say what was heard before. */
async function noticed(
  t: { after: (end: () => Promise<void>) => void },
  script: {
    readonly postdelivery: string;
    readonly code: number;
    readonly count: number;
    readonly notify?: boolean;
  },
): Promise<Noticed> {
  const { code, notify = true } = script;
  sink.answerRcpt = () => ({ code, text: "not now" });
  const predelivery = `if ($message["sender"] == "")
    Queue(["hold" => true, "reason" => json_encode(["id" => $message["id"], "told" => memory_fetch("told")])]);`;
  const postdelivery = `if ($message["sender"] == "") Default();
    $name = $message["recipientaddress"]["localpart"];
    $hear = function ($id) closure ($name) {
      memory_update("told", [$name, $id], function ($key, $all, $item) { $all[$item[0]] = $item[1]; return $all; }, []);
    };
    ${script.postdelivery}`;
  const mta = await startEngine({
    server: `127.0.0.1:${sink.port}`,
    group: { retry: { count: 2, intervals: [{ interval: "1h", notify }] } },
    app: { scripting: { hooks: { predelivery, postdelivery } } },
  });
  t.after(() => mta.stop());
  await sendTo(mta, "ann@example.net", "bob@example.net");
  const entries = await until(
    async () => (await queuedIn(mta)).filter(({ status }) => status === "hold"),
    (held) => held.length === script.count && held.every(({ lastReply }) => lastReply.startsWith("{")),
  );
  const said = entries.map(({ lastReply }) => JSON.parse(lastReply) as { id: Id; told: Noticed["told"] });
  return { notices: said.map(({ id }) => id), told: said[0]?.told ?? {} };
}

for (const [kind, code] of [
  ["failure", 550],
  ["delay", 451],
] as const) {
  test(`the notice of a ${kind} has the id that scripts heard of it, for all that share it`, async (t) => {
    const { notices, told } = await noticed(t, {
      postdelivery: `$hear($arguments["dsn"]["id"]);`,
      code,
      count: 1,
    });
    const [id] = notices;
    assert.match(id?.transaction ?? "", /^[0-9A-Z]{26}$/);
    assert.equal(id?.queue, 1);
    assert.deepEqual(told, { ann: id, bob: id });
  });
}

test("one that did not look shares the notice of one that did", async (t) => {
  const { notices, told } = await noticed(t, {
    postdelivery: `$hear($name == "bob" ? $arguments["dsn"]["id"] : none);`,
    code: 550,
    count: 1,
  });
  assert.deepEqual(told, { ann: null, bob: notices[0] });
});

test("notices whose words scripts have made different have the id that was heard, each of them", async (t) => {
  const { notices, told } = await noticed(t, {
    postdelivery: `$hear($arguments["dsn"]["id"]);
      Bounce(["dsn" => ["content" => "$name is gone"]]);`,
    code: 550,
    count: 2,
  });
  assert.deepEqual(notices, [told["ann"], told["bob"]]);
});

test("no id is heard where the schedule tells of no delay, and the notice that a script wants then has its own", async (t) => {
  const { notices, told } = await noticed(t, {
    postdelivery: `$hear($arguments["dsn"]["id"]); Bounce();`,
    code: 451,
    count: 1,
    notify: false,
  });
  assert.deepEqual(told, { ann: null, bob: null });
  assert.match(notices[0]?.transaction ?? "", /^[0-9A-Z]{26}$/);
});

test("the notice of another kind than was heard of has another id", async (t) => {
  const { notices, told } = await noticed(t, {
    postdelivery: `$hear($arguments["dsn"]["id"]); Bounce();`,
    code: 451,
    count: 1,
  });
  assert.deepEqual(told["ann"], told["bob"]);
  assert.notEqual(told["ann"] ?? null, null);
  assert.notEqual(notices[0]?.transaction, told["ann"]?.transaction);
});
