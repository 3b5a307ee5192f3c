import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { parseEngineConfig } from "./config.ts";

const startup = "servers: [{ id: in, listeners: [{ port: 25 }] }]";
const app = "servers: [{ id: in, transport: out }]\ntransportgroups: [{ id: g, transports: [{ id: out }] }]";

/** The problems of these two files, as "file path: reason". */
function problems(files: { policy?: string; suspend?: string }): string[] {
  const parsed = parseEngineConfig({ startup, app, ...files });
  if (parsed.ok) return [];
  return parsed.problems.map(({ file, path, reason }) => `${file} ${path}: ${reason}`);
}

test("policies read as Halon writes them", () => {
  const policy = `
version: "5.10"
rate: { algorithm: tokenbucket }
policies:
  - fields: [localip, grouping]
    conditions:
      - if: { grouping: "&google", localip: "@cold" }
        then: { concurrency: 5, rate: "10/60", tag: google, stop: true }
    default: { concurrency: 20, connectinterval: 0.5, cluster: true, properties: { a: b } }
  - fields: [{ recipientdomain: "/^yahoo/" }]
`;
  const parsed = parseEngineConfig({ startup, app, policy });
  assert.ok(parsed.ok);
  const [first, second] = parsed.value.policy.policies;
  assert.deepEqual(first?.conditions[0]?.then.rate, { tokens: 10, intervalSeconds: 60 });
  assert.equal(first?.default?.connectinterval, 0.5);
  assert.deepEqual(second?.fields, [{ recipientdomain: "/^yahoo/" }]);
});

test("without the files there are no policies and no suspensions", () => {
  const parsed = parseEngineConfig({ startup, app });
  assert.ok(parsed.ok);
  assert.deepEqual([parsed.value.policy.policies, parsed.value.suspend.suspends], [[], []]);
});

test("what is wrong in a policy or suspension is named with its file and place", () => {
  assert.match(
    problems({ policy: "policies: [{ fields: [domain] }]" }).join(),
    /^smtpd-policy.yaml policies\[0\].fields\[0\]/,
  );
  assert.match(
    problems({ policy: 'policies: [{ default: { rate: "0/60" } }]' }).join(),
    /policies\[0\].default.rate: must be more than nothing/,
  );
  assert.match(
    problems({ suspend: 'suspends: [{ jobid: "/(/" }]' }).join(),
    /^smtpd-suspend.yaml suspends\[0\].jobid/,
  );
  assert.match(problems({ suspend: "suspends: [{ domain: a.net }]" }).join(), /unknown key/);
});

test("an address that warms up must be of a class that has a schedule", () => {
  const schedules = "schedules: [{ class: new, schedule: [{ day: 1, messages: 50 }] }]";
  const policy = `warmup: { ${schedules}, ips: [{ ip: 192.0.2.1, class: old, added: 2026-01-31 }] }`;
  assert.deepEqual(problems({ policy }), [
    'smtpd-policy.yaml warmup.ips[0].class: there is no schedule of class "old"',
  ]);
  assert.deepEqual(problems({ policy: policy.replace("old", "new") }), []);
});

test("the examples of the manual are right", () => {
  const page = readFileSync(new URL("../../docs/scheduling.md", import.meta.url), "utf8");
  const [policy = "", suspend = ""] = [...page.matchAll(/```yaml\n([^`]*)```/g)].map(([, text]) => text);
  assert.match(policy, /^policies:/m);
  assert.match(suspend, /^suspends:/m);
  assert.deepEqual(problems({ policy, suspend }), []);
});
