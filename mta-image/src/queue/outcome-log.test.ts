import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";
import type { Outcome } from "./courier.ts";
import type { Entry } from "./entry.ts";
import { OutcomeLog } from "./outcome-log.ts";

function entryFor(domain: string, id = domain): Entry {
  const envelope = { recipients: [`u@${domain}`] };
  return {
    message: { id, envelope },
    recipient: 0,
    destination: { domain, transportId: "t" },
  } as unknown as Entry;
}

const outcome = (kind: Outcome["kind"], reply: string): Outcome => ({
  kind,
  reply,
  status: "",
  remoteMta: "",
});

test("the log forgets the oldest attempts and the domain that was quiet for longest", () => {
  const log = new OutcomeLog(new ManualClock(), { attempts: 3, domains: 2 });
  for (const domain of ["a", "b", "a", "c"]) log.note(entryFor(domain), outcome("deferred", "450 no"));
  const { attempts, destinations } = log.deliveries({ attempts: 10, domains: 10 });
  assert.deepEqual(
    attempts.map(({ domain }) => domain),
    ["c", "a", "b"],
  );
  assert.deepEqual(
    destinations.map(({ domain, deferred }) => [domain, deferred]),
    [
      ["a", 2],
      ["c", 1],
    ],
  );
});

test("a server that invents codes does not fill the memory", () => {
  const log = new OutcomeLog(new ManualClock());
  for (let code = 400; code < 600; code++) log.note(entryFor("a"), outcome("deferred", `${code} x`));
  const [a] = log.deliveries({ attempts: 1, domains: 1 }).destinations;
  assert.equal(a?.codes.length, 30);
  assert.equal(a?.deferred, 200);
});
