/** Entries 21 to 28 of docs/hostile-input.md on one engine: who speaks too early, and commands out of order. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { type Attack, AttackRig, STRANGER, assertReplies, line, raw } from "../../../testing/attack-rig.ts";

let rig: AttackRig;
before(async () => {
  rig = await AttackRig.start({ appServer: { phases: { connect: { greetdelay: "5s" } } } });
});
after(() => rig.stop());
afterEach(() => rig.hangUp());

const MAIL = "MAIL FROM:<news@example.org>";
const entries: Attack[] = [
  raw(22, "EHLO and MAIL in one packet", "connected", `EHLO a\r\n${MAIL}\r\n`, "554 5.5.0", "<closed>"),
  raw(
    23,
    "content behind DATA in one packet",
    "rcpt",
    "DATA\r\nSubject: x\r\n.\r\n",
    "554 5.5.0",
    "<closed>",
  ),
  {
    ...raw(
      24,
      "mail behind the end of data, as pipelining allows",
      "data",
      `x\r\n.\r\n${MAIL}\r\n`,
      "250 ",
      "250 2.1.0",
    ),
    accepted: 1,
  },
  line(26, "HELO without a name", "connected", "HELO", "501 5.5.4"),
  line(26, "HELO with a space only", "connected", "HELO  ", "501 5.5.4"),
  line(26, "EHLO with a wrong literal", "connected", "EHLO [999.1.1.1]", "501 5.5.4"),
  line(26, "EHLO with a wrong IPv6 literal", "connected", "EHLO [IPv6:zz]", "501 5.5.4"),
  line(26, "EHLO with a hyphen in front", "connected", "EHLO -a", "250-"),
  line(26, "EHLO with 300 characters", "connected", `EHLO ${"a".repeat(300)}`, "501 5.5.4"),
  line(26, "EHLO with header characters", "connected", "EHLO a(b)\tc", "501 5.5.4"),
  line(26, "HELO localhost", "connected", "HELO localhost", "250 "),
  line(26, "HELO with our own name", "connected", "HELO engine.example.test", "250 "),
  raw(27, "EHLO within a transaction forgets it", "rcpt", "EHLO a\r\n", "250-"),
  line(28, "MAIL before HELO", "connected", MAIL, "503 5.5.1"),
  line(28, "RCPT before MAIL", "greeted", "RCPT TO:<a@here.example>", "503 5.5.1"),
  line(28, "DATA before RCPT", "mail", "DATA", "503 5.5.1"),
  line(28, "nested MAIL", "mail", MAIL, "503 5.5.1"),
];
for (const attack of entries) test(`${attack.entry} ${attack.what}`, () => rig.run(attack));

test("21 a stranger that speaks before the greeting", async () => {
  const client = await rig.connect({ from: STRANGER });
  client.socket.write("EHLO client.example.org\r\n");
  await assertReplies(client, ["554 5.5.1", "<closed>"]);
  const patient = await rig.connect({ from: STRANGER });
  await rig.pass(6000);
  assert.match(await patient.reply(), /^220 /);
  patient.socket.destroy();
  await rig.assertServes();
});

test("24 mail behind the end of data of a client that said HELO never runs", async () => {
  const client = await rig.reach("connected");
  for (const word of ["HELO client.example.org", MAIL, "RCPT TO:<ann@here.example>"])
    assert.match(await client.ask(word), /^250 /);
  assert.match(await client.ask("DATA"), /^354 /);
  client.socket.write("Subject: x\r\n\r\nfirst\r\n.\r\nMAIL FROM:<evil@example.org>\r\n");
  await assertReplies(client, ["250 2.0.0 Ok: queued as ", "554 5.5.0", "<closed>"]);
  rig.took(1);
  await rig.assertServes();
});

test("27 a second EHLO forgets sender and recipients", async () => {
  const client = await rig.reach("rcpt");
  assert.match(await client.ask("EHLO client.example.org"), /^250-/);
  assert.match(await client.ask("DATA"), /^503 5\.5\.1 /);
  assert.match(await client.ask("RCPT TO:<ann@here.example>"), /^503 5\.5\.1 /);
  client.socket.destroy();
  await rig.assertServes();
});
