/** What mail is said to wait for while no connection has it. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { CourierRig, type RigOptions } from "../../testing/courier-rig.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import { until } from "../../testing/until.ts";
import type { AttemptWait } from "../queue/courier.ts";
import { type LaneSituation, waitIn } from "./lane-wait.ts";

const situation: LaneSituation = {
  ...{ server: null, domain: "a.test", transportId: "out", stages: [], places: null, isSpaced: false },
  ...{ open: 2, most: 2, before: 7 },
};

test("each reason to wait has its words", () => {
  const said = (change: Partial<LaneSituation>): string => {
    const { kind, detail } = waitIn({ ...situation, ...change });
    return `${kind}: ${detail}`;
  };
  assert.equal(
    said({}),
    "connection: 2 of 2 connections to a.test by transport out are open, 7 messages are before it",
  );
  assert.equal(
    said({ server: "mx:25", isSpaced: true }),
    "connection: new connections to mx:25 by transport out are kept apart by a rule",
  );
  assert.equal(
    said({ places: { used: 9, most: 9 }, isSpaced: true }),
    "connection: it waits for a place for a connection to a.test by transport out: 9 of 9 connections of the engine are in use",
  );
  assert.equal(
    said({ stages: [{ kind: "begun" }] }),
    "connection: a connection to a.test by transport out is being opened",
  );
  const socket = { kind: "connect", host: "/run/lmtp", ip: "/run/lmtp", port: 24 } as const;
  assert.equal(said({ stages: [socket] }), "connection: /run/lmtp:24 is being connected to");
});

async function start(
  t: TestContext,
  options: RigOptions = {},
): Promise<{ host: ScriptedHost; rig: CourierRig }> {
  const host = await ScriptedHost.start();
  const zones = Object.fromEntries(["a", "b"].map((name) => [`${name}.test`, { a: ["127.0.0.1"] }]));
  const settings = { server: null, port: host.port };
  const rig = new CourierRig(0, { zones, forbidLocal: false, settings, ...options });
  t.after(async () => {
    await rig.courier.close(0);
    await host.stop();
  });
  return { host, rig };
}

/** Once it is there; messages are numbered as they were given. */
function wait(rig: CourierRig, message: number, part: string): Promise<AttemptWait | null> {
  return until(
    () => rig.courier.waitOf(`message-${message}`, 0),
    (found) => found?.detail.includes(part) === true,
  );
}

test("mail waits for a place, for DNS, and for the host that it connects to", async (t) => {
  const { host, rig } = await start(t, { total: 1 });
  host.answer = () => "silence";
  const first = rig.deliver({ to: ["x@a.test"] });
  const connecting = await wait(rig, 0, "is being connected to");
  assert.deepEqual(connecting, {
    kind: "connection",
    detail: `a.test (127.0.0.1:${host.port}) is being connected to`,
  });
  const second = rig.deliver({ to: ["x@b.test"] });
  const detail =
    "it waits for a place for a connection to b.test by transport out: 1 of 1 connections of the engine are in use";
  assert.deepEqual(rig.courier.waitOf("message-1", 0), { kind: "connection", detail });
  assert.equal(rig.courier.waitOf("message-1", 1), null, "no such recipient");
  await rig.courier.close(0);
  await Promise.all([first, second]);
  assert.equal(rig.courier.waitOf("message-0", 0), null, "it is over");
});

test("mail waits for DNS", async (t) => {
  const { rig } = await start(t);
  const { promise, resolve } = Promise.withResolvers<{ kind: "no-domain" }>();
  rig.resolver.mx = () => promise;
  const attempt = rig.deliver({ to: ["x@a.test"] });
  const found = await wait(rig, 0, "DNS");
  assert.deepEqual(found, { kind: "locating", detail: "DNS is asked for the mail exchangers of a.test" });
  resolve({ kind: "no-domain" });
  await attempt;
});

test("what a connection has waits for nothing that is told here", async (t) => {
  const { host, rig } = await start(t);
  host.answer = ({ line }) => (line.startsWith("MAIL") ? "silence" : undefined);
  const attempt = rig.deliver({ to: ["x@a.test"] });
  await until(
    () => host.lines.some((line) => line.startsWith("MAIL")),
    (isThere) => isThere,
  );
  assert.equal(rig.courier.waitOf("message-0", 0), null);
  await rig.courier.close(0);
  await attempt;
});
