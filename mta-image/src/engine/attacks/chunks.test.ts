/** Entries 84 to 92 of docs/hostile-input.md on one engine: BDAT that is broken, out of order, too much, or cut. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { type Attack, AttackRig, assertReplies, raw } from "../../../testing/attack-rig.ts";

let rig: AttackRig;
before(async () => {
  rig = await AttackRig.start({ appServer: { phases: { data: { maxsize: "10000" } } } });
});
after(() => rig.stop());
afterEach(() => rig.hangUp());

const large = "x".repeat(12_000);
const entries: Attack[] = [
  ...[
    "",
    " -1",
    " 18446744073709551616",
    " 10 LAST X",
    " +10",
    " 0x10",
    " 1e3",
    " 10,5",
    " 1 0",
    " \xb2",
    " LAST",
  ].map((argument) =>
    raw(
      84,
      `BDAT with "${argument}" hangs up, since content may follow`,
      "rcpt",
      `BDAT${argument}\r\nNOOP\r\n`,
      "501 5.5.4",
      "<closed>",
    ),
  ),
  raw(85, "BDAT before RCPT is read over", "mail", "BDAT 6\r\nQUIT\r\nNOOP\r\n", "503 5.5.1", "250 2.0.0"),
  raw(
    86,
    "a chunk over the limit",
    "rcpt",
    `BDAT 12000\r\n${large}BDAT 1\r\nxNOOP\r\n`,
    "552 5.3.4",
    "503 5.5.1",
    "250 2.0.0",
  ),
  raw(
    86,
    "a last chunk over the limit",
    "rcpt",
    `BDAT 12000 LAST\r\n${large}NOOP\r\n`,
    "552 5.3.4",
    "250 2.0.0",
  ),
  raw(87, "DATA behind BDAT", "rcpt", "BDAT 2\r\n\r\nDATA\r\n", "250 2.0.0 Chunk", "503 5.5.1"),
  {
    ...raw(
      88,
      "BDAT 0 LAST ends a message",
      "rcpt",
      "BDAT 6\r\na: b\r\nBDAT 0 LAST\r\n",
      "250 2.0.0 Chunk",
      "250 2.0.0 Ok: q",
    ),
    accepted: 1,
  },
  {
    ...raw(
      89,
      "a CRLF between two chunks",
      "rcpt",
      "BDAT 2\r\na\rBDAT 1 LAST\r\n\n",
      "250 2.0.0 Chunk",
      "250 2.0.0 Ok: q",
    ),
    accepted: 1,
  },
  raw(89, "a CR at the end of the last chunk", "rcpt", "BDAT 2 LAST\r\na\r", "550 5.6.0"),
  raw(89, "a bare LF in a chunk", "rcpt", "BDAT 4 LAST\r\na\nb\n", "550 5.6.0"),
  raw(89, "NUL in a chunk", "rcpt", "BDAT 4 LAST\r\na\0\r\n", "550 5.6.0"),
  raw(90, "a connection that is lost between two chunks", "rcpt", "BDAT 2\r\n\r\n", "250 2.0.0 Chunk"),
  raw(90, "a connection that is lost within a chunk", "rcpt", "BDAT 100\r\nSubject: x"),
  raw(90, "QUIT between two chunks", "rcpt", "BDAT 2\r\n\r\nQUIT\r\n", "250 2.0.0", "221 2.0.0", "<closed>"),
  raw(
    92,
    "content of any bytes is not offered",
    "greeted",
    "MAIL FROM:<a@example.org> BODY=BINARYMIME\r\n",
    "501 5.5.4",
  ),
];
for (const attack of entries) test(`${attack.entry} ${attack.what}`, () => rig.run(attack));

test("91 RSET between two chunks leaves nothing of the first", async () => {
  const client = await rig.reach("rcpt");
  client.socket.write("BDAT 17\r\nX-Before: first\r\nRSET\r\n");
  await assertReplies(client, ["250 2.0.0 Chunk", "250 2.0.0"]);
  for (const word of ["MAIL FROM:<a@example.org>", "RCPT TO:<ann@here.example>"])
    assert.match(await client.ask(word), /^250 /);
  client.socket.write("BDAT 17 LAST\r\nX-After: second\r\n");
  await assertReplies(client, ["250 2.0.0 Ok: queued as "]);
  client.socket.destroy();
  rig.took(1);
  await rig.assertServes();
  assert.ok(rig.host.messages.some((text) => text.includes("X-After: second")));
  assert.ok(!rig.host.messages.some((text) => text.includes("X-Before: first")));
});
