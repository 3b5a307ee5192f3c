/** Loops are told by how many hops mail has behind it, and each server has a bound of its own. */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { Lines } from "../../testing/dialogue.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";

const engines: Engine[] = [];
after(async () => {
  for (const engine of engines) await engine.stop();
});

/** What a message with so many Received fields hears at its end, in the order of `hops`. */
async function answers(engine: Engine, server: string, hops: readonly number[]): Promise<string[]> {
  const client = await Lines.to(engine.mta.ports.get(server) ?? 0);
  const heard: string[] = [];
  assert.match(await client.reply(), /^220 /);
  await client.ask("HELO c.example");
  for (const count of hops) {
    const fields = Array.from({ length: count }, (_, i) => `Received: from h${i}\r\n`).join("");
    for (const command of ["MAIL FROM:<a@b.example>", "RCPT TO:<u@c.example>", "DATA"])
      await client.ask(command);
    heard.push(await client.ask(`${fields}Subject: x\r\n\r\nx\r\n.`));
  }
  client.socket.destroy();
  return heard.map((line) => line.slice(0, 9));
}

test("each server counts the hops of its own mail, whatever others let through, also after a reload", async () => {
  const listeners = [{ port: 0, address: "127.0.0.1" }];
  const servers = (maxhops: number): object[] => [
    { id: "few", transport: "default", phases: { data: { maxhops } } },
    { id: "many", transport: "default" },
  ];
  const engine = await startEngine({
    server: "127.0.0.1:1",
    startup: { servers: ["few", "many"].map((id) => ({ id, listeners })) },
    app: { servers: servers(2) },
  });
  engines.push(engine);
  assert.deepEqual(await answers(engine, "few", [2, 3]), ["250 2.0.0", "554 5.4.6"]);
  assert.deepEqual(await answers(engine, "many", [3, 100, 101]), ["250 2.0.0", "250 2.0.0", "554 5.4.6"]);
  const app = JSON.stringify({
    servers: servers(3),
    transportgroups: [{ id: "g", transports: [{ id: "default" }] }],
  });
  const pushed = await engine.admin("PUT", "/v1/config", { revision: "2", files: { "smtpd-app.yaml": app } });
  assert.equal(pushed.status, 200, JSON.stringify(pushed.json));
  assert.deepEqual(await answers(engine, "few", [3, 4]), ["250 2.0.0", "554 5.4.6"]);
});
