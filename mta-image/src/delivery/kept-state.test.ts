/** What secure delivery finds on disk after a restart: whatever it is, reports and policies go on. */
import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { FakeResolver } from "../../testing/fake-resolver.ts";
import { StsPolicies } from "./sts-policies.ts";
import { TlsReports } from "./tls-reports.ts";

const by = () => ({ organization: "us", contact: "us@us.example" });
const policy = { type: "no-policy-found" } as const;
const event = { domain: "example.net", policy, host: "mx", ip: "192.0.2.1", sourceIp: "", detail: "d" };

function goodState(): unknown {
  const reports = new TlsReports(new ManualClock(), by);
  reports.note({ ...event, failure: null });
  reports.note({ ...event, failure: "certificate-expired" });
  return JSON.parse(JSON.stringify(reports.state()));
}

/** The good one with the value at some place replaced by another. */
function changed(value: unknown, path: readonly number[], other: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined || typeof value !== "object" || value === null) return other;
  const keys = Object.keys(value);
  const key = keys[first % Math.max(1, keys.length)];
  if (key === undefined) return other;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
  copy[key] = changed(copy[key], rest, other);
  return copy;
}

test("any state of reports is taken or left, and what is taken can be reported", () => {
  const good = goodState();
  const damaged = fc
    .tuple(fc.array(fc.nat(5), { maxLength: 9 }), fc.jsonValue())
    .map(([path, other]) => changed(good, path, other));
  fc.assert(
    fc.property(fc.oneof(damaged, fc.jsonValue()), (state) => {
      const reports = new TlsReports(new ManualClock(), by);
      reports.restore(state);
      for (const day of reports.days()) {
        JSON.stringify([reports.reports(day), reports.unsent(day)]);
        reports.noteSent(day, "example.net");
      }
      reports.note({ ...event, failure: "certificate-expired" });
      assert.ok(reports.days().length > 0);
      reports.state();
    }),
    { numRuns: 2000 },
  );
  const restored = new TlsReports(new ManualClock(), by);
  restored.restore(good);
  assert.deepEqual(JSON.parse(JSON.stringify(restored.state())), good);
});

test("engines that report for one organization give their reports ids of their own, over restarts too", () => {
  const idOf = (engine: string): string | undefined => {
    const reports = new TlsReports(new ManualClock(), () => ({ ...by(), engine }));
    reports.restore(goodState());
    return reports.reports(reports.days()[0] ?? "")[0]?.["report-id"];
  };
  assert.notEqual(idOf("mx-0"), idOf("mx-1"));
  assert.equal(idOf("mx-0"), idOf("mx-0"));
});

test("any state of policies is taken or left out, and what is taken is a policy", () => {
  const kept = {
    id: "1",
    lines: ["version: STSv1", "mode: enforce", "mx: mx.example.net", "max_age: 86400"],
    until: 9e15,
  };
  const good = [["example.net", kept]];
  const damaged = fc
    .tuple(fc.array(fc.nat(5), { maxLength: 4 }), fc.jsonValue())
    .map(([path, other]) => changed(good, path, other));
  fc.assert(
    fc.property(fc.oneof(damaged, fc.jsonValue()), (state) => {
      const policies = new StsPolicies({
        clock: new ManualClock(),
        resolver: new FakeResolver({}),
        isForbidden: () => true,
      });
      policies.restore(state);
      for (const [domain, { lines }] of policies.state()) {
        assert.equal(typeof domain, "string");
        assert.ok(lines.includes("version: STSv1"));
      }
    }),
  );
});
