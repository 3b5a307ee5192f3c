/**
 * Entries 29 to 55 of docs/hostile-input.md on one engine: senders, recipients and their parameters, relaying by tricks,
 * and commands that ask for what is not to be had.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { type Attack, AttackRig, STRANGER, line, many, raw } from "../../../testing/attack-rig.ts";

let rig: AttackRig;
before(async () => {
  rig = await AttackRig.start({ appServer: { phases: { data: { maxsize: "10000" } } } });
});
after(() => rig.stop());
afterEach(() => rig.hangUp());

const sender = (entry: number, what: string, text: string, reply: string): Attack =>
  line(entry, what, "greeted", `MAIL FROM:${text}`, reply);
const recipient = (entry: number, what: string, text: string, reply: string): Attack =>
  line(entry, what, "mail", `RCPT TO:${text}`, reply);
const FROM = "<a@example.org>";
const TO = "<a@b.example>";

const senders: Attack[] = [
  sender(29, "a space in front of the address", ` ${FROM}`, "501 5.1.7"),
  sender(30, "no brackets", "a@example.org", "501 5.1.7"),
  sender(30, "text stuck to the bracket", `${FROM}SIZE=1`, "501 5.5.4"),
  sender(31, "the null sender", "<>", "250 2.1.0"),
  sender(32, "SIZE beyond any number", `${FROM} SIZE=99999999999999999999`, "552 5.3.4"),
  sender(32, "SIZE below zero", `${FROM} SIZE=-1`, "501 5.5.4"),
  sender(32, "SIZE as a float", `${FROM} SIZE=1e9`, "501 5.5.4"),
  sender(32, "SIZE without a value", `${FROM} SIZE=`, "501 5.5.4"),
  sender(33, "SIZE over the limit", `${FROM} SIZE=10001`, "552 5.3.4"),
  raw(
    33,
    "content over the limit",
    "data",
    `Subject: x\r\n\r\n${"a line of text\r\n".repeat(1000)}.\r\n`,
    "552 5.3.4",
  ),
  sender(34, "an unknown BODY", `${FROM} BODY=FOO`, "501 5.5.4"),
  sender(34, "an unknown parameter", `${FROM} FOO=BAR`, "555 5.5.4"),
  sender(34, "a parameter given twice", `${FROM} SIZE=1 SIZE=1`, "501 5.5.4"),
  sender(34, "a parameter that objects are born with", `${FROM} CONSTRUCTOR=x`, "555 5.5.4"),
  sender(35, "a RET that is none", `${FROM} RET=X`, "501 5.5.4"),
  sender(35, "ENVID over 100 characters", `${FROM} ENVID=${"a".repeat(101)}`, "501 5.5.4"),
  sender(35, "ENVID that is no xtext", `${FROM} ENVID=a+2`, "501 5.5.4"),
  sender(35, "a line end hidden in ENVID", `${FROM} ENVID=ab+0D+0Acd`, "501 5.5.4"),
  sender(38, "a line end hidden in AUTH", `${FROM} AUTH=b+0D+0Ac`, "501 5.5.4"),
  sender(38, "AUTH that is no xtext", `${FROM} AUTH=<a+2`, "501 5.5.4"),
  sender(38, "AUTH over 500 characters", `${FROM} AUTH=${"a".repeat(501)}`, "501 5.5.4"),
  sender(38, "AUTH as RFC 4954 has it", `${FROM} AUTH=e+3Dmc2@example.org`, "250 2.1.0"),
  sender(38, "AUTH of nobody", `${FROM} AUTH=<>`, "250 2.1.0"),
  sender(39, "a quoted sender", '<"a b"@example.org>', "250 2.1.0"),
];

const recipients: Attack[] = [
  recipient(34, "a parameter of RCPT that we do not know", `${TO} FOO=BAR`, "555 5.5.4"),
  recipient(37, "NOTIFY that asks for nothing and something", `${TO} NOTIFY=NEVER,SUCCESS`, "501 5.5.4"),
  recipient(37, "NOTIFY that asks for everything", `${TO} NOTIFY=SUCCESS,FAILURE,DELAY`, "250 2.1.5"),
  recipient(37, "a line end hidden in ORCPT", `${TO} ORCPT=rfc822;a+0A@b`, "501 5.5.4"),
  recipient(37, "ORCPT over 500 characters", `${TO} ORCPT=rfc822;${"a".repeat(501)}`, "501 5.5.4"),
  recipient(39, "a bracket inside quotes", '<"a>b"@example.org>', "250 2.1.5"),
  recipient(39, "an open quote", '<"a@b.example>', "501 5.1.3"),
  recipient(41, "a comment in the domain", "<a@good.example(x)evil.example>", "501 5.1.3"),
  recipient(42, "a broken source route", "<@a.example:>", "501 5.1.3"),
  recipient(43, "two at signs", "<user@far@here.example>", "501 5.1.3"),
  recipient(44, "a dot at the end of the domain", "<a@b.example.>", "501 5.1.3"),
  recipient(44, "a dot at the start of the domain", "<a@.b.example>", "501 5.1.3"),
  recipient(44, "two dots in the domain", "<a@b..example>", "501 5.1.3"),
  recipient(44, "hyphens at the ends of a label", "<a@-b-.example>", "501 5.1.3"),
  recipient(44, "an underscore is seen in the wild", "<a@b_c.example>", "250 2.1.5"),
  recipient(45, "a local part of 65", `<${"a".repeat(65)}@b.example>`, "501 5.1.3"),
  recipient(45, "a domain of 256", `<a@${"b.".repeat(124)}example>`, "501 5.1.3"),
  recipient(45, "a label of 64", `<a@${"b".repeat(64)}.example>`, "501 5.1.3"),
  recipient(47, "an address as a number", "<a@2130706433>", "501 5.1.3"),
  recipient(47, "dotted digits as a domain", "<a@127.0.0.1>", "501 5.1.3"),
  recipient(47, "a literal that is none", "<a@[::1]>", "501 5.1.3"),
  recipient(48, "an empty recipient", "<>", "501 5.1.3"),
  recipient(48, "postmaster without a domain", "<postmaster>", "250 2.1.5"),
  recipient(48, "postmaster in other letters", "<PostMaster>", "250 2.1.5"),
  recipient(49, "a path", "</etc/passwd>", "501 5.1.3"),
  recipient(49, "a pipe", "<|cmd>", "501 5.1.3"),
  recipient(49, "dots that climb", "<../../x@y.example>", "501 5.1.3"),
  recipient(49, "slashes in the domain", "<a@y/../../z>", "501 5.1.3"),
  recipient(49, "no closing bracket", "<a@b.example", "501 5.1.3"),
  raw(
    52,
    "twenty refused recipients end the session",
    "mail",
    "RCPT TO:<a@b..example>\r\n".repeat(200),
    ...many("501 5.1.3", 20),
    "421 4.7.0",
    "<closed>",
  ),
];

const others: Attack[] = [
  line(53, "VRFY", "greeted", "VRFY root", "252 2.5.2"),
  line(53, "EXPN", "greeted", "EXPN staff", "502 5.5.1"),
  line(54, "ETRN with SQL", "greeted", "ETRN '; drop table mail --", "502 5.5.1"),
  line(55, "HELP with a long argument", "greeted", `HELP ${"x".repeat(1000)}`, "214 2.0.0"),
  line(55, "QUIT with an argument", "greeted", "QUIT now", "501 5.5.4"),
  line(55, "RSET with an argument", "greeted", "RSET now", "501 5.5.4"),
  line(55, "DATA with an argument", "rcpt", "DATA now", "501 5.5.4"),
];
for (const attack of [...senders, ...recipients, ...others])
  test(`${attack.entry} ${attack.what}`, () => rig.run(attack));

/** The RCPT line that reaches the host for this one. */
async function relayed(path: string): Promise<string> {
  const before = rig.host.lines.length;
  const client = await rig.reach("mail");
  assert.match(await client.ask(`RCPT TO:${path}`), /^250 2\.1\.5 /);
  assert.match(await client.ask("BDAT 0 LAST"), /^250 2\.0\.0 /);
  client.socket.destroy();
  rig.took(1);
  await rig.assertServes();
  return rig.host.lines.slice(before).find((said) => said.startsWith("RCPT TO:")) ?? "";
}

for (const [entry, what, path, leaves] of [
  [39, "a quoted local part arrives byte for byte", '<"a\\"b\\\\"@example.org>', '<"a\\"b\\\\"@example.org>'],
  [42, "a source route is dropped on the way", "<@a.example,@b.example:c@d.example>", "<c@d.example>"],
  [49, "percent escapes are plain text", "<%00@y.example>", "<%00@y.example>"],
] as const) {
  test(`${entry} ${what}`, async () => assert.equal(await relayed(path), `RCPT TO:${leaves}`));
}

test("43 a stranger may not relay, also not by routes hidden in the local part", async () => {
  const client = await rig.reach("mail", { from: STRANGER });
  for (const path of [
    "<a@far.example>",
    "<user%far@here.example>",
    "<far!user@here.example>",
    '<"user@far"@here.example>',
    "<a@[127.0.0.1]>",
    "<@here.example:user@far.example>",
    "<postmaster@far.example>",
  ])
    assert.equal(await client.ask(`RCPT TO:${path}`), "554 5.7.1 Relaying denied", path);
  assert.equal(await client.ask("RCPT TO:<a@HERE.example>"), "250 2.1.5 Recipient ok");
  client.socket.destroy();
  await rig.assertServes();
});

test("50 recipients beyond the limit are put off, and the first thousand get the mail", async () => {
  const before = rig.host.lines.length;
  const client = await rig.reach("mail");
  client.socket.write("RCPT TO:<a@example.org>\r\n".repeat(1001));
  const replies: string[] = [];
  for (let i = 0; i < 1001; i++) replies.push((await client.reply()).slice(0, 9));
  assert.deepEqual(replies, [...many("250 2.1.5", 1000), "452 4.5.3"]);
  assert.match(await client.ask("BDAT 0 LAST"), /^250 2\.0\.0 /);
  client.socket.destroy();
  // A host gets a hundred in a transaction.
  rig.took(10);
  await rig.assertServes();
  const named = rig.host.lines.slice(before).filter((said) => said === "RCPT TO:<a@example.org>");
  assert.equal(named.length, 1000);
});
