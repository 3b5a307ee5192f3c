import assert from "node:assert/strict";
import { it } from "node:test";

import type { SpamhausState } from "#contract/spamhaus-api.ts";
import { mailClusterConditions } from "#crds/conditions.ts";
import type { SpamhausChoice } from "#operator/spamhaus/decide.ts";
import { sectionOf } from "#operator/spamhaus/section.ts";

import { aSlot, aSpec, anEngine } from "../../testing/builders.ts";
import type { Judged } from "./judged.ts";
import { spamhausHealthy } from "./spamhaus-healthy.ts";

const spec = aSpec({ spamhaus: { keySecretRef: { name: "dqs" } } });
const section = sectionOf(spec.spamhaus as NonNullable<typeof spec.spamhaus>, "key-new");
const well: SpamhausState = { key: "key-new", trouble: null, missing: [] };

/** "True Healthy: 2 of 2 pods …" */
function verdict(
  pods: readonly (Partial<SpamhausState> | null)[],
  choice: Partial<SpamhausChoice> = {},
  change: Partial<Judged> = {},
): string {
  const slots = pods.map((state, slot) =>
    aSlot(slot, { pod: { engine: anEngine(state === null ? {} : { spamhaus: { ...well, ...state } }) } }),
  );
  const spamhaus = { section, keys: new Map(), candidate: null, faults: [], keyProblem: null, ...choice };
  const { status, reason, message } = spamhausHealthy({ spec, slots, spamhaus, ...change } as Judged);
  assert.ok(Object.keys(mailClusterConditions.SpamhausHealthy.reasons).includes(reason));
  return `${status} ${reason}: ${message}`;
}

it("is healthy when every pod asks with the wanted key and gets answers", () => {
  assert.equal(verdict([{}, {}]), "True Healthy: 2 of 2 pods ask with the key of the Secret");
  assert.match(verdict([{}], {}, { spec: aSpec() }), /^True Disabled/);
});

it("is unknown while a pod does not tell", () => {
  assert.match(verdict([{}, null]), /^Unknown Pending: 1 of 2 pods/);
  assert.match(verdict([]), /^Unknown Pending/);
  assert.match(verdict([{ key: null, trouble: "no-key" }]), /^Unknown Pending/);
});

it("says when the old key may be given back", () => {
  assert.match(verdict([{}, { key: "key-old" }]), /^True KeyChanging: 1 of 2 pods .* must stay valid until/);
  assert.match(verdict([{}], { candidate: section }), /^True KeyChanging: .*tried out/);
});

for (const [trouble, wanted] of [
  ["key-refused", "KeyRefused"],
  ["open-resolver", "OpenResolver"],
  ["quota", "QuotaExceeded"],
  ["bad-zone", "ZoneUnknown"],
  ["timeout", "Unreachable"],
  ["paused", "Unreachable"],
  ["unexpected", "AnswersUnknown"],
] as const)
  it(`says ${wanted} when an engine has the trouble ${trouble}`, () => {
    const said = verdict([{}, { trouble }]);
    assert.equal(said, `False ${wanted}: outbound-1 ${trouble}; mail passes unchecked`);
  });

it("names a list that the key does not include", () => {
  assert.equal(verdict([{ missing: ["hbl"] }]), "False ListMissing: outbound-0 gets nothing from hbl");
});

it("says that a refused new key changes nothing", () => {
  const faults = [
    { list: "zen", outcome: "key-refused" },
    { list: "dbl", outcome: "key-refused" },
  ];
  assert.equal(
    verdict([{ key: "key-old" }], { candidate: section, faults }),
    "False KeyRefused: not taken into use, a trial found: zen key-refused, dbl key-refused; pods go on with what they have",
  );
  const clear = [{ list: "hbl", outcome: "clear" }];
  assert.match(verdict([{}], { candidate: section, faults: clear }), /^False ListMissing: .* hbl clear/);
  const unread = [{ list: "zen", outcome: "no-key" }];
  assert.match(verdict([{}], { candidate: section, faults: unread }), /^True KeyChanging/);
});

it("says what is wrong with the Secret, and that the key before stays", () => {
  const keyProblem = 'there is no Secret "dqs"';
  assert.equal(
    verdict([{}], { keyProblem }),
    'False KeyMissing: there is no Secret "dqs"; the key before stays in use',
  );
  assert.match(verdict([{}], { keyProblem, section: null }), /; nothing is asked$/);
});
