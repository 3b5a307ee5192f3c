import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { Health } from "./health.ts";
import { clear, failure } from "./judge.ts";
import type { ErrorReason } from "./zones.ts";

function made(): { clock: ManualClock; health: Health; note: (...words: (ErrorReason | "well")[]) => void } {
  const clock = new ManualClock();
  const health = new Health(clock);
  const note = (...words: (ErrorReason | "well")[]): void => {
    for (const word of words) health.note(word === "well" ? clear : failure(word));
  };
  return { clock, health, note };
}

test("one refusal by Spamhaus is trouble, one lost packet is none", () => {
  const { health, note } = made();
  note("well", "well", "well", "timeout");
  assert.equal(health.trouble, null);
  note("key-refused");
  assert.equal(health.trouble, "key-refused");
});

test("silence is trouble when most questions get no answer", () => {
  const { health, note } = made();
  note("well", "timeout");
  assert.equal(health.trouble, null);
  note("paused", "timeout");
  assert.equal(health.trouble, "timeout");
});

test("trouble is over when good answers have come for a minute, and stays while nobody asks", () => {
  const { clock, health, note } = made();
  note("quota");
  clock.advance(600_000);
  assert.equal(health.trouble, "quota");
  note("well");
  assert.equal(health.trouble, null);
  note("quota");
  clock.advance(30_000);
  note("well");
  assert.equal(health.trouble, "quota");
  clock.advance(30_000);
  note("well");
  assert.equal(health.trouble, null);
});

test("another key begins with nothing held against it", () => {
  const { health, note } = made();
  note("key-refused");
  health.forget();
  assert.equal(health.trouble, null);
});
