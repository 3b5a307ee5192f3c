/** Outgoing connections are read in turns from their second message on; neither hosts nor mail notice. */
import assert from "node:assert/strict";
import { afterEach, before, beforeEach, test } from "node:test";

import { buildSockets } from "../../testing/batched-sockets.ts";
import { CourierRig, inPieces, withoutEnd } from "../../testing/courier-rig.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import { until } from "../../testing/until.ts";

const TAKEN = ["delivered 2.0.0 250 2.0.0 taken"];
let host: ScriptedHost;
let rig: CourierRig;
before(buildSockets);
beforeEach(async () => {
  host = await ScriptedHost.start();
  rig = new CourierRig(host.port, { settings: { maxConnections: 1 } });
});
afterEach(async () => {
  await rig.courier.close(0);
  await host.stop();
});

/** Those of Node, in this process: the host's, and the courier's until it is moved. */
const socketsOfNode = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;

/** Two messages have gone over the only connection. */
async function moved(): Promise<void> {
  assert.deepEqual(await rig.deliver(), TAKEN);
  const before = socketsOfNode();
  assert.deepEqual(await rig.deliver(), TAKEN);
  await until(socketsOfNode, (now) => now === before - 1);
  assert.equal(host.connections, 1);
}

const hasNone = (): Promise<number> =>
  until(
    () => rig.courier.connections,
    (count) => count === 0,
  );

test("mail in memory and in pieces arrives whole over a connection that was moved, many at once", async () => {
  await moved();
  const pieces = Array.from({ length: 100 }, (_, i) => `${String(i).repeat(20_000)}\r\n`);
  const large = rig.deliver({ content: inPieces(...pieces) });
  const small = Array.from({ length: 20 }, (_, i) => rig.deliver({ content: `Subject: ${i}\r\n\r\n.x\r\n` }));
  for (const outcome of [await large, ...(await Promise.all(small))]) assert.deepEqual(outcome, TAKEN);
  assert.equal(host.connections, 1);
  assert.ok(host.messages.includes(pieces.join("")));
  for (let i = 0; i < 20; i++) assert.ok(host.messages.includes(`Subject: ${i}\r\n\r\n..x\r\n`));
});

test("a goodbye costs nothing, and QUIT is said to a host that is left", async () => {
  await moved();
  host.sayToAll("421 4.4.2 idle too long\r\n");
  await hasNone();
  assert.deepEqual(await rig.deliver(), TAKEN);
  assert.deepEqual(await rig.deliver(), TAKEN);
  assert.equal(host.connections, 2);
  await rig.courier.close(1000);
  await until(
    () => host.words,
    (words) => words.endsWith("QUIT"),
  );
});

test("a host that is gone behind its last reply gets the next message over another connection", async () => {
  await moved();
  host.answer = ({ line, connection }) => (connection === 1 && line.startsWith("MAIL") ? "cut" : undefined);
  assert.deepEqual(await rig.deliver(), TAKEN);
  assert.equal(host.connections, 2);
});

test("a host that has seen enough of a long message is heard and left", async () => {
  host.keywords = [];
  await moved();
  host.answer = ({ line }) => {
    if (line === "DATA") host.interrupt("552 5.3.4 that is enough\r\n");
    return undefined;
  };
  assert.deepEqual(await rig.deliver({ content: withoutEnd() }), ["failed 5.3.4 552 5.3.4 that is enough"]);
  assert.equal(rig.courier.connections, 0);
});

test("content that cannot be read midway is never ended as if it were whole", async () => {
  await moved();
  const broken = {
    kind: "file" as const,
    async *chunks() {
      yield Buffer.from("Subject: half\r\n\r\nhalf\r\n");
      throw new Error("read error");
    },
  };
  const [outcome] = await rig.deliver({ content: broken });
  assert.match(outcome ?? "", /^deferred 4\.3\.0 The message could not be read from the spool: read error/);
  await hasNone();
  assert.equal(host.messages.length, 2);
});
