import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { createTransport } from "nodemailer";

import { Ledger } from "./ledger.ts";

let ledger: Ledger;

before(async () => {
  ledger = await Ledger.start({ address: "127.0.0.1", port: 0 });
});
after(() => ledger.stop());

async function send(recipient: string): Promise<void> {
  const transport = createTransport({ host: ledger.address, port: ledger.port, ignoreTLS: true });
  await transport.sendMail({ from: "a@example.test", to: recipient, text: "hello" });
  transport.close();
}

test("the ledger counts deliveries and names what came twice", async () => {
  await send("1@example.test");
  await send("2@example.test");
  await send("2@example.test");
  assert.deepEqual(await ledger.report(), { deliveries: 3, recipients: 2, doubled: ["2@example.test"] });
});

test("the ledger does not count what it puts off", async () => {
  await ledger.mode("defer");
  await assert.rejects(send("3@example.test"), /451/);
  await ledger.mode("accept");
  assert.equal((await ledger.recipients()).has("3@example.test"), false);
});

test("mail whose reply is lost on its way is no delivery, and is counted apart", async () => {
  await ledger.faults(5, 1);
  const before = await ledger.report();
  for (let i = 0; i < 12; i++) await send(`wrong-${i}@example.test`).catch(() => undefined);
  const { counts, unanswered } = await ledger.wrongs();
  assert.equal(
    Object.values(counts).reduce((sum, count) => sum + count, 0),
    12,
  );
  assert.equal(unanswered, counts["lose-reply"]);
  assert.equal((await ledger.report()).deliveries - before.deliveries, counts["late"]);
});

test("mail whose sender is gone before the reply is no delivery either", async () => {
  await ledger.faults(5, 0);
  const before = { report: await ledger.report(), wrongs: await ledger.wrongs() };
  await ledger.pace(300);
  const socket = connect(ledger.port, ledger.address);
  const said = ["EHLO a", "MAIL FROM:<a@example.test>", "RCPT TO:<gone@example.test>", "DATA", "hello\r\n."];
  socket.on("data", (chunk: Buffer) => {
    if (/^(?:220|250|354)[ -]/m.test(chunk.toString()) && said.length > 0)
      socket.write(`${said.shift() ?? ""}\r\n`, () => said.length === 0 && socket.resetAndDestroy());
  });
  while ((await ledger.wrongs()).unanswered === before.wrongs.unanswered) await wait(20);
  assert.deepEqual(await ledger.report(), before.report);
  await ledger.pace(0);
});
