/** What rules of the queue ask of delivery: the source address, and time between connections. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { CourierRig } from "../../testing/courier-rig.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import { until } from "../../testing/until.ts";

let host: ScriptedHost;
let rig: CourierRig;
beforeEach(async () => {
  host = await ScriptedHost.start();
  rig = new CourierRig(host.port, { settings: { sourceIps: ["127.0.0.9"] } });
});
afterEach(async () => {
  await rig.courier.close(0);
  await host.stop();
});

test("mail leaves from the address that the queue chose, over connections of its own", async () => {
  for (const source of ["127.0.0.2", "127.0.0.3"]) {
    const [outcome] = await rig.deliver({ terms: { source, connect: null } });
    assert.match(outcome ?? "", /^delivered/);
    assert.equal(host.lastPeer.replace("::ffff:", ""), source);
  }
  assert.equal(rig.courier.connections, 2);
  await rig.deliver({ terms: { source: "127.0.0.2", connect: null } });
  assert.equal(rig.courier.connections, 2);
  await rig.deliver({});
  assert.equal(host.lastPeer.replace("::ffff:", ""), "127.0.0.9");
});

test("a connection is opened only when the rule lets it, and the mail waits so long", async () => {
  const answers = [30, 20, 0];
  const asked: number[] = [];
  const connect = (): number => {
    const wait = answers.shift() ?? 0;
    asked.push(wait);
    return wait;
  };
  const [outcome] = await rig.deliver({ terms: { source: "", connect } });
  assert.match(outcome ?? "", /^delivered/);
  assert.deepEqual(asked, [30, 20, 0]);
  assert.equal(rig.courier.counters.connectionsOpened, 1);
});

test("an open connection is used without asking", async () => {
  await rig.deliver({});
  const connect = (): number => assert.fail("nothing needs to be opened");
  const [outcome] = await rig.deliver({ terms: { source: "", connect } });
  assert.match(outcome ?? "", /^delivered/);
});

const HOUR_MS = 3_600_000;

test("a rule for one domain keeps no mail of others waiting that goes to the same server", async () => {
  let opened = 0;
  const connect = (): number => HOUR_MS;
  const held = rig.deliver({ to: ["x@slow.test"], terms: { source: "", connect } }).then(() => opened++);
  await new Promise(setImmediate);
  const [outcome] = await rig.deliver({ to: ["x@other.test"], terms: { source: "", connect: null } });
  assert.match(outcome ?? "", /^delivered/);
  // What waited for its rule goes over the connection that is open now.
  await held;
  assert.equal(opened, 1);
});

test("mail that no rule spaces opens no connections for others that wait behind their rule", async () => {
  host.keywords = ["8BITMIME"];
  host.answer = ({ line }) => (line === "." ? "silence" : undefined);
  let asked = 0;
  const connect = (): number => (asked++ === 0 ? 0 : HOUR_MS);
  const spaced = Array.from({ length: 6 }, () =>
    rig.deliver({ to: ["x@slow.test"], terms: { source: "", connect } }),
  );
  const free = rig.deliver({ to: ["x@other.test"], terms: { source: "", connect: null } });
  await until(
    () => host.connections,
    (count) => count === 2,
  );
  await wait(100);
  assert.equal(host.connections, 2);
  await rig.courier.close(0);
  await Promise.all([...spaced, free]);
});
