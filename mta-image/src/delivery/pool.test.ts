import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { CourierRig, type RigOptions } from "../../testing/courier-rig.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import { until } from "../../testing/until.ts";

let host: ScriptedHost;
let rigs: CourierRig[] = [];
beforeEach(async () => {
  host = await ScriptedHost.start();
});
afterEach(async () => {
  await Promise.all(rigs.map((rig) => rig.courier.close(0)));
  rigs = [];
  await host.stop();
});

/** Every domain leads to the one host, so destinations differ and the host does not. */
function rig(options: RigOptions = {}): CourierRig {
  const zones = Object.fromEntries(
    ["a", "b", "c", "d", "e"].map((name) => [`${name}.test`, { a: ["127.0.0.1"] }]),
  );
  const settings = { server: null, port: host.port, ...options.settings };
  const made = new CourierRig(0, { zones, forbidLocal: false, ...options, settings });
  rigs.push(made);
  return made;
}

const TAKEN = "delivered 2.0.0 250 2.0.0 taken";
const many = (made: CourierRig, to: string, count: number): Promise<string[][]> =>
  Promise.all(Array.from({ length: count }, () => made.deliver({ to: [to] })));

test("a destination never has more connections than its limit", async () => {
  const outcomes = await many(rig({ settings: { maxConnections: 3 } }), "x@a.test", 50);
  assert.deepEqual(outcomes.flat(), Array(50).fill(TAKEN));
  assert.ok(host.mostOpen <= 3, `${host.mostOpen} at once`);
});

test("all destinations together never have more connections than there are places, and all get their turn", async () => {
  const made = rig({ total: 2 });
  const domains = ["a.test", "b.test", "c.test", "d.test", "e.test"];
  const outcomes = await Promise.all(domains.map((domain) => many(made, `x@${domain}`, 30)));
  assert.deepEqual(outcomes.flat(2), Array(150).fill(TAKEN));
  assert.ok(made.courier.connections <= 2);
});

test("with a single place, a destination that never runs dry lets others in", async () => {
  const made = rig({ total: 1, settings: { maxConnections: 4 } });
  const busy = many(made, "x@a.test", 200);
  const other = await made.deliver({ to: ["x@b.test"] });
  assert.deepEqual(other, [TAKEN]);
  const before = host.messages.length;
  assert.ok(before < 201, `${before} were sent before the other had its turn`);
  await busy;
});

test("an idle connection goes when another destination wants its place", async () => {
  const made = rig({ total: 1 });
  assert.deepEqual(await made.deliver({ to: ["x@a.test"] }), [TAKEN]);
  assert.equal(made.courier.connections, 1);
  assert.deepEqual(await made.deliver({ to: ["x@b.test"] }), [TAKEN]);
});

test("an idle connection goes after its time", async () => {
  const made = rig({ settings: { idleMs: 10 } });
  await made.deliver({ to: ["x@a.test"] });
  await until(
    () => made.courier.connections,
    (count) => count === 0,
  );
});

test("settings that a reload changed count for the next message", async () => {
  const other = await ScriptedHost.start();
  const made = rig();
  await made.deliver({ to: ["x@a.test"] });
  const settings = made.settings.get("out");
  assert.ok(settings);
  made.settings.set("out", { ...settings, server: `127.0.0.1:${other.port}` });
  assert.deepEqual(await made.deliver({ to: ["x@a.test"] }), [TAKEN]);
  assert.deepEqual([host.messages.length, other.messages.length], [1, 1]);
  await other.stop();
});

test("mail that waits for its connection when a reload changes its settings is sent, over no more than it needs", async (t) => {
  const other = await ScriptedHost.start();
  t.after(() => other.stop());
  const made = rig({ settings: { server: `127.0.0.1:${host.port}`, idleMs: 600_000 } });
  const settings = made.settings.get("out");
  assert.ok(settings);
  const before = many(made, "x@a.test", 3);
  made.settings.set("out", { ...settings, server: `127.0.0.1:${other.port}` });
  const behind = made.deliver({ to: ["x@a.test"] });
  // A connection that opens and goes without its mail is followed by the next, for ever.
  await until(
    () => [host.messages.length, host.connections],
    ([sent = 0, connections = 0]) => sent === 3 || connections > 50,
  );
  assert.equal(host.messages.length, 3, `${host.connections} connections`);
  assert.deepEqual(await before, Array(3).fill([TAKEN]));
  assert.deepEqual(await behind, [TAKEN]);
  await until(
    () => made.courier.connections,
    (count) => count === 1,
  );
});

test("connections of settings that a reload changed end as soon as nobody uses them", async (t) => {
  const other = await ScriptedHost.start();
  t.after(() => other.stop());
  const made = rig();
  const reload = ({ port }: ScriptedHost): void => {
    const settings = made.settings.get("out");
    assert.ok(settings);
    made.settings.set("out", { ...settings, server: `127.0.0.1:${port}` });
  };
  reload(host);
  await made.deliver({ to: ["x@a.test"] });
  let end: () => void = () => {};
  host.answer = ({ line }) => {
    if (line !== "." || host.messages.length !== 2) return undefined;
    end = () => host.sayToAll("250 2.0.0 taken late\r\n");
    return "silence";
  };
  const busy = made.deliver({ to: ["x@a.test"] });
  await until(
    () => host.messages.length,
    (count) => count === 2,
  );
  reload(other);
  await made.deliver({ to: ["x@a.test"] });
  assert.equal(made.courier.connections, 2);
  end();
  await busy;
  await until(
    () => made.courier.connections,
    (count) => count === 1,
  );
  reload(host);
  await made.deliver({ to: ["x@a.test"] });
  await until(
    () => made.courier.connections,
    (count) => count === 1,
  );
});

test("connections that a reload left for mail that cannot be read end with it", async (t) => {
  const other = await ScriptedHost.start();
  t.after(() => other.stop());
  const made = rig({ settings: { server: `127.0.0.1:${host.port}`, idleMs: 600_000, maxConnections: 3 } });
  host.answer = ({ line }) => (line === "." ? "silence" : undefined);
  const before = many(made, "x@a.test", 3);
  await until(
    () => host.messages.length,
    (count) => count === 3,
  );
  host.sayToAll("250 2.0.0 taken\r\n");
  assert.deepEqual((await before).flat(), Array(3).fill(TAKEN));
  assert.equal(made.courier.connections, 3);
  let read: (value?: unknown) => void = () => {};
  made.reading = new Promise((resolve) => (read = resolve));
  const unreadable = made.deliver({ to: ["x@a.test"] });
  made.contents.delete("message-3");
  const settings = made.settings.get("out");
  assert.ok(settings);
  made.settings.set("out", { ...settings, server: `127.0.0.1:${other.port}` });
  const behind = made.deliver({ to: ["x@a.test"] });
  await until(
    () => made.courier.connections,
    (count) => count === 4,
  );
  read();
  assert.match((await unreadable)[0] ?? "", /no such message/);
  assert.deepEqual(await behind, [TAKEN]);
  await until(
    () => made.courier.connections,
    (count) => count === 1,
  );
  await until(
    () => host.words,
    (words) => words.split("QUIT").length === 4,
  );
});

test("when no connection can be opened, everything that waits hears why", async () => {
  host.answer = ({ line }) => (line === "" ? "421 4.3.2 not now\r\n" : undefined);
  const outcomes = await many(rig({ settings: { maxConnections: 2 } }), "x@a.test", 20);
  assert.deepEqual(outcomes.flat(), Array(20).fill("deferred 4.3.2 421 4.3.2 not now"));
});

test("a host that takes fewer connections than we would open still gets all its mail", async () => {
  host.answer = ({ line, connection }) =>
    line === "" && connection > 1 ? "421 4.7.0 too many connections\r\n" : undefined;
  const outcomes = await many(rig({ settings: { maxConnections: 5 } }), "x@a.test", 40);
  assert.deepEqual(outcomes.flat(), Array(40).fill(TAKEN));
});

test("a close lets what is under way end, and defers what has not begun", async () => {
  const made = rig({ settings: { maxConnections: 1 } });
  let end: () => void = () => {};
  host.answer = ({ line }) => {
    if (line !== "." || host.messages.length > 1) return undefined;
    end = () => host.sayToAll("250 2.0.0 taken late\r\n");
    return "silence";
  };
  const first = made.deliver({ to: ["x@a.test"] });
  await until(
    () => host.messages.length,
    (count) => count === 1,
  );
  const closing = made.courier.close(10_000);
  end();
  assert.deepEqual(await first, ["delivered 2.0.0 250 2.0.0 taken late"]);
  await closing;
  assert.equal(made.courier.connections, 0);
});

test("a close that runs out of time cuts, and says of each message what is known", async () => {
  const made = rig({ settings: { maxConnections: 1 } });
  host.answer = ({ line }) => (line === "." ? "silence" : undefined);
  const sent = made.deliver({ to: ["x@a.test"] });
  await until(
    () => host.messages.length,
    (count) => count === 1,
  );
  const waiting = many(made, "x@a.test", 3);
  await made.courier.close(0);
  assert.match((await sent)[0] ?? "", /^unclear 4\.3\.2 Shutting down \(after the end of data\)$/);
  assert.deepEqual((await waiting).flat(), Array(3).fill("deferred 4.3.2 Shutting down"));
});

test("a message that is still being read at a close is answered when it has been read", async () => {
  const made = rig();
  await made.deliver({ to: ["x@a.test"] });
  let read: (value?: unknown) => void = () => {};
  made.reading = new Promise((resolve) => (read = resolve));
  const pending = made.deliver({ to: ["x@a.test"] });
  await made.courier.close(0);
  read();
  assert.deepEqual(await pending, ["deferred 4.3.2 Shutting down"]);
});

test("a host that hangs up right behind its hello puts mail off, and is not asked again and again", async () => {
  host.answer = ({ line }) => (line.startsWith("EHLO") ? "250 host.example.net\r\n421 bye\r\n" : undefined);
  const outcomes = await rig().deliver({ to: ["x@a.test"] });
  assert.deepEqual(outcomes, ["deferred 4.4.2 Connection lost: 421 bye"]);
  assert.equal(host.connections, 1);
});
