import assert from "node:assert/strict";
import { test } from "node:test";
import { constants } from "node:os";

import { CourierRig } from "../../testing/courier-rig.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";

const usual = { key: "k", transportId: null, server: null, port: null, tlsMode: null };

test("an address that nobody can bind puts mail off as a refused connection does, and other mail goes on", async (t) => {
  const host = await ScriptedHost.start();
  const rig = new CourierRig(host.port);
  t.after(async () => {
    await rig.courier.close(0);
    await host.stop();
  });
  const asked: unknown[] = [];
  const bind = (...wanted: readonly unknown[]): number => {
    asked.push(wanted);
    return -constants.errno.ENOTSUP;
  };
  const wish = { ...usual, sources: [{ ip: "127.0.0.9", helo: null }], bind };
  const [line = ""] = await rig.deliver({ wish });
  assert.match(line, /^deferred 4\.\S+ Connection failed: (?:ENOTSUP|EOPNOTSUPP) /);
  assert.deepEqual(asked, [["127.0.0.9", 0, true]]);
  assert.equal(host.connections, 0);
  assert.match((await rig.deliver())[0] ?? "", /^delivered /);
});
