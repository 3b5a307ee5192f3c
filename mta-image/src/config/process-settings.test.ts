import assert from "node:assert/strict";
import { test } from "node:test";

import { parseStartup } from "#contract/config.ts";

import { fitProcess, openFilesIn, type ProcessFacts } from "./process-settings.ts";

function fit(environment: object, facts: Partial<ProcessFacts> = {}): readonly string[] {
  const servers = [{ id: "in", listeners: [{ port: 25 }] }];
  const parsed = parseStartup(JSON.stringify({ servers, environment }));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return fitProcess(parsed.value.environment, { uid: 1000, openFiles: 1024, ...facts });
}

test("the umask is the process's from then on, and its own without the key", (t) => {
  const before = process.umask();
  t.after(() => process.umask(before));
  fit({});
  assert.equal(process.umask(), before);
  fit({ umask: "0037" });
  assert.equal(process.umask(), 0o37);
});

test("fewer files than asked for are told, with both figures", () => {
  const wants = { rlimit: { nofile: 70_000 } };
  assert.match(fit(wants).join(), /environment\.rlimit\.nofile is 70000, but the system allows 1024: raise/);
  assert.deepEqual(fit(wants, { openFiles: 70_000 }), []);
  assert.deepEqual(fit(wants, { openFiles: null }), []);
  assert.deepEqual(fit({}), []);
});

test("the limit is read as Linux tells it", () => {
  const line = (soft: string): string =>
    `Limit  Soft  Hard  Units\nMax open files            ${soft}     1048576   files\n`;
  assert.equal(openFilesIn(line("5000")), 5000);
  assert.equal(openFilesIn(line("unlimited")), Number.POSITIVE_INFINITY);
  assert.equal(openFilesIn(""), null);
});

test("who wants root's rights dropped does not run with them", () => {
  const privdrop = { user: "halon", group: "halon" };
  assert.throws(() => fit({ privdrop }, { uid: 0 }), {
    code: "process-unfit",
    message: /start it as the user/,
  });
  assert.deepEqual(fit({ privdrop }), []);
  assert.deepEqual(fit({}, { uid: 0 }), []);
});
