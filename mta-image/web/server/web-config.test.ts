/** What is wrong with web.yaml is said with the file and the place, and what it may say is taken. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { type WebConfig, loadWebConfig } from "./web-config.ts";

const folder = mkdtempSync(join(tmpdir(), "web-config-"));
const file = join(folder, "web.yaml");
after(() => rmSync(folder, { recursive: true, force: true }));

function load(change: Readonly<Record<string, object>> = {}): Promise<WebConfig> {
  const engines = { hosts: [{ name: "one", url: "http://127.0.0.1:1" }] };
  const config = { engines, sessions: { keyfile: "/key" }, ...change };
  writeFileSync(file, JSON.stringify(config));
  return loadWebConfig(file);
}

test("spans are text or seconds, and have defaults", async () => {
  const usual = await load();
  assert.deepEqual([usual.engines.timeout, usual.sessions.lifetime], [3000, 8 * 3_600_000]);
  const { sessions } = await load({ sessions: { keyfile: "/key", lifetime: 90 } });
  assert.equal(sessions.lifetime, 90_000);
  const { proxy } = await load({ proxy: { trusted: ["192.0.2.1", "fd00::/8"] } });
  assert.deepEqual(proxy?.trusted, ["192.0.2.1", "fd00::/8"]);
});

const wrong: Readonly<Record<string, { readonly change: Record<string, object>; readonly says: RegExp }>> = {
  "sessions.lifetime": { change: { sessions: { keyfile: "/key", lifetime: "8 hours" } }, says: /a duration/ },
  "engines.timeout": {
    change: { engines: { hosts: [{ name: "one", url: "http://127.0.0.1:1" }], timeout: 0 } },
    says: /more than nothing/,
  },
  "proxy.trusted.1": {
    change: { proxy: { trusted: ["192.0.2.1", "192.0.2.0/33"] } },
    says: /a network such as/,
  },
  "listener.address": { change: { listener: { address: "everywhere" } }, says: /an IP address/ },
  "listener.port": { change: { listener: { port: 70_000 } }, says: /65535/ },
};

for (const [place, { change, says }] of Object.entries(wrong))
  test(`${place} that does not fit is said`, async () => {
    await assert.rejects(load(change), (error: Error & { code?: string }) => {
      assert.equal(error.code, "web-config-invalid");
      assert.ok(error.message.startsWith(`${file}: ${place}: `), error.message);
      assert.match(error.message, says);
      return true;
    });
  });
