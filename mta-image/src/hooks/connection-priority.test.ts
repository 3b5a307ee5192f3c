/** The priority of a connection: a script at connect gives it, later scripts see it, and its mail has it. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { hooksOf } from "../../testing/hook-scripts.ts";
import { Receiver } from "../../testing/receiver.ts";

const queueing = `$arguments["mail"]->queue($transaction["sender"], "ann@example.net", "out");`;

/** Priorities of what was taken: first without a word of the client, then with its own. */
async function priorities(connect: string, eod?: string): Promise<(number | undefined)[]> {
  const mailfrom = `if ($connection["priority"] != 4) Reject(string($connection["priority"]));`;
  const hooks = hooksOf({ connect, mailfrom, ...(eod === undefined ? {} : { eod }) });
  const receiver = await Receiver.start({ settings: { hooks } });
  try {
    const client = await receiver.greeted();
    for (const parameter of ["", " MT-PRIORITY=2"]) {
      await client.ask(`MAIL FROM:<news@example.org>${parameter}`);
      await client.ask("RCPT TO:<ann@example.net>");
      await client.ask("DATA");
      await client.ask("Subject: x\r\n\r\nx\r\n.");
    }
    client.socket.destroy();
    await receiver.untilIdle();
    return receiver.accepted.map(({ envelope }) => envelope.priority);
  } finally {
    await receiver.close();
  }
}

test("mail of a connection has its priority unless the client says another", async () => {
  assert.deepEqual(await priorities(`Accept(["priority" => 4]);`), [4, 2]);
});

test("so has mail that a script queues at the end of data", async () => {
  assert.deepEqual(await priorities(`Accept(["priority" => 4]);`, queueing), [4, 2]);
});

test("a connection that no script gave one has 0", async () => {
  assert.deepEqual(await priorities("Accept();"), []);
});

test("a priority that is none counts as a failure of the script", async () => {
  const receiver = await Receiver.start({
    settings: { hooks: hooksOf({ connect: `Accept(["priority" => 10]);` }) },
  });
  try {
    const client = await receiver.connect();
    assert.match(await client.reply(), /^421 4\.3\.0 /);
    client.socket.destroy();
  } finally {
    await receiver.close();
  }
});
