/** What scripts want notices to say, in a whole engine: real files, real sockets, a real notice. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { sendTo } from "../../testing/engine-mail.ts";
import { startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";

let sink: MailSink;
before(async () => {
  sink = await MailSink.start();
});
after(() => sink.stop());

async function notices(
  t: { after: (end: () => Promise<void>) => void },
  hooks: Readonly<Record<string, string>>,
  options: { readonly count: number; readonly group?: Readonly<Record<string, unknown>> },
): Promise<string[]> {
  sink.received.length = 0;
  sink.answerRcpt = (address) =>
    address.endsWith("example.net") ? { code: 451, text: "4.7.1 later" } : "accept";
  const { count, group = { retry: { count: 3, intervals: [{ interval: "1h" }] } } } = options;
  const mta = await startEngine({ server: `127.0.0.1:${sink.port}`, group, app: { scripting: { hooks } } });
  t.after(() => mta.stop());
  await sendTo(mta, "ann@example.net", "bob@example.net");
  await sink.taken(count);
  return sink.received.map(({ content }) => content.toString());
}

test("a notice says what the script wants, one for each wording", async (t) => {
  const postdelivery = `if ($message["sender"] != "") Bounce(["reason" => "no", "dsn" => [
    "content" => "Dear sender,\\n" . $message["recipientaddress"]["localpart"] . " is gone. \\xc3\\xa4",
    "headers" => ["X-Team" => "post", "Subject" => "Gone"]]]);`;
  const found = (await notices(t, { postdelivery }, { count: 2 })).toSorted();
  for (const [at, name] of ["ann", "bob"].entries()) {
    const text = found.find((one) => one.includes(`${name} is gone. ä`)) ?? "";
    assert.match(text, /^Subject: Gone\r$/m, String(at));
    assert.match(text, /^X-Team: post\r$/m);
    assert.match(text, /^Auto-Submitted: auto-replied\r$/m);
    assert.match(text, /\r\n\r\nDear sender,\r\n/);
    assert.match(text, new RegExp(`Final-Recipient: rfc822; ${name}@example.net`));
    assert.doesNotMatch(text, /This is the mail system/);
  }
});

test("a notice has the name, the subject, the fields and the part that a script gives it", async (t) => {
  const predelivery = `if ($message["sender"] != "") Bounce(["dsn" => [
    "subject" => "Gone", "subject_prepend" => "Alas: ", "from_name" => "Custom Postmaster", "headers" => ["X-Team: post"],
    "readable_mimepart" => MIME()->setType("text/html")->setBody("<em>gone</em>")->toString(), "original_headers" => false]]);`;
  const [text = ""] = await notices(t, { predelivery }, { count: 1 });
  assert.match(text, /^From: "Custom Postmaster" <MAILER-DAEMON@\S+>\r$/m);
  assert.match(text, /^Subject: Alas: Gone\r$/m);
  assert.match(text, /^X-Team: post\r$/m);
  assert.match(text, /\r\nContent-Type: text\/html[\s\S]*\r\n\r\n<em>gone<\/em>\r\n/);
  assert.match(text, /^Action: failed\r$/m);
  assert.doesNotMatch(text, /This is the mail system|rfc822-headers/);
});

test("words that make no sense cost nobody the notice", async (t) => {
  const predelivery = `if ($message["sender"] != "") Bounce(["dsn" => ["headers" => ["From" => "x@example.org"]]]);`;
  const [text = ""] = await notices(t, { predelivery }, { count: 1 });
  assert.match(text, /This is the mail system/);
  assert.match(text, /ann@example\.net[\s\S]*bob@example\.net/);
  assert.doesNotMatch(text, /^From: x@/m);
});

test("a notice of a delay says what Queue() wants", async (t) => {
  const postdelivery = `if ($arguments["action"] == "QUEUE") Queue(["dsn" => ["content" => "Patience."]]);`;
  const group = { retry: { count: 3, intervals: [{ interval: "1h", notify: true }] } };
  const [text = ""] = await notices(t, { postdelivery }, { count: 1, group });
  assert.match(text, /\r\n\r\nPatience\.\r\n/);
  assert.match(text, /^Action: delayed\r$/m);
});
