/** What an engine remembers of TLS over a restart, and what its configuration may say of reports. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { systemClock } from "#base/clock.ts";
import { startEngine } from "../../testing/harness.ts";
import { TlsReports } from "../delivery/tls-reports.ts";

const folder = mkdtempSync(join(tmpdir(), "tls-reporting-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("counts of TLS are there again after a restart, and what is no such file keeps no engine from starting", async () => {
  const place = join(folder, "spool", "tls");
  mkdirSync(place, { recursive: true });
  const before = new TlsReports(systemClock, () => ({ organization: "us", contact: "us@us.example" }));
  const policy = { type: "no-policy-found" } as const;
  before.note({ domain: "example.net", policy, failure: null, host: "mx", ip: "", sourceIp: "", detail: "" });
  writeFileSync(join(place, "reports.json"), JSON.stringify(before.state()));
  writeFileSync(join(place, "policies.json"), "{ broken");
  const app = { tlsreports: { transport: "default", from: "tls@us.example" } };
  const engine = await startEngine({ folder, server: "127.0.0.1:1", app });
  const [day] = before.days();
  assert.deepEqual((await engine.admin("GET", "/v1/tls-reports")).json, { days: [day] });
  const { reports } = (await engine.admin("GET", `/v1/tls-reports/${day}`)).json as {
    reports: { "contact-info": string }[];
  };
  assert.deepEqual(
    reports.map((report) => report["contact-info"]),
    ["tls@us.example"],
  );
  await engine.stop();
  assert.ok(existsSync(join(place, "reports.json")));
});

test("reports cannot take a transport that is not there", async () => {
  const app = { tlsreports: { transport: "nowhere" } };
  await assert.rejects(startEngine({ server: "127.0.0.1:1", app }), /there is no transport .*nowhere/);
});
