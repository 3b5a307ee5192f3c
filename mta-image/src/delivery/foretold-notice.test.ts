import assert from "node:assert/strict";
import { test } from "node:test";

import { outcome } from "../../testing/fake-courier.ts";
import { makeEnvelope } from "../../testing/messages.ts";
import type { Envelope } from "../message/envelope.ts";
import type { NoticeKind, NotifyWord } from "../message/notice-wishes.ts";
import { ForetoldNotice, NoticeIds, type Telling } from "./foretold-notice.ts";

const kinds: readonly NoticeKind[] = ["failed", "delayed", "relayed", "delivered"];

/** The kinds of notices that a script may hear of. */
function heard(envelope: Partial<Envelope>, change: Partial<Telling> = {}): readonly NoticeKind[] {
  const telling = { index: 0, success: undefined, tellsDelay: true, ...change };
  const notice = new ForetoldNotice(new NoticeIds(() => 0), { envelope: makeEnvelope(envelope), ...telling });
  return kinds.filter((kind) => notice.foretell(kind) !== null);
}

function asking(...notify: readonly NotifyWord[]): Partial<Envelope> {
  return { dsn: { ret: null, envid: null, recipients: [{ notify, orcpt: null }] } };
}

test("scripts hear of the notices that the sender will get, and of no other", () => {
  assert.deepEqual(heard({}), ["failed", "delayed"]);
  assert.deepEqual(heard({}, { tellsDelay: false }), ["failed"]);
  assert.deepEqual(heard({ sender: "", ...asking("SUCCESS", "FAILURE", "DELAY") }), []);
  assert.deepEqual(heard(asking("NEVER")), []);
  assert.deepEqual(heard(asking("DELAY")), ["delayed"]);
  assert.deepEqual(heard(asking("SUCCESS")), ["relayed", "delivered"]);
  assert.deepEqual(heard(asking("SUCCESS"), { success: "reported" }), []);
  const deliverBy = { at: 1, mode: "notify", trace: true } as const;
  assert.deepEqual(heard({ deliverBy }, { success: "reported", tellsDelay: false }), [
    "failed",
    "relayed",
    "delivered",
  ]);
});

test("recipients of an attempt hear one id for each kind, and an outcome has what its script has looked at", () => {
  const ids = new NoticeIds(() => 1_800_000_000_000);
  const telling = { envelope: makeEnvelope(), index: 0, success: undefined, tellsDelay: true };
  const [ann, bob] = [new ForetoldNotice(ids, telling), new ForetoldNotice(ids, telling)];
  const failed = ann.foretell("failed")?.();
  assert.equal(bob.foretell("failed")?.(), failed);
  assert.notEqual(bob.foretell("delayed")?.(), failed);
  assert.deepEqual(ann.on(outcome("failed")).notice, { kind: "failed", transaction: failed });
  const silent = new ForetoldNotice(ids, telling);
  silent.foretell("failed");
  assert.equal(silent.on(outcome("failed")).notice, undefined);
});
