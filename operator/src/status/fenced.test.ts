import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { decideSlots } from "#operator/slots/decide.ts";
import { readFence } from "#operator/slots/fence.ts";
import type { ObservedSlot } from "#operator/slots/observed.ts";

import { aSlot, aSlotInput, anEngine } from "../../testing/builders.ts";
import { fenced } from "./fenced.ts";
import type { Judged } from "./judged.ts";

const out = aSlot(1, { pod: { isReady: false, engine: anEngine({ state: "Fenced" }) } });

function verdict(annotation: string, slots: readonly ObservedSlot[]) {
  const decision = decideSlots(aSlotInput({ slots, fence: readFence(annotation, "out") }));
  const { status, reason, message } = fenced({ decision, slots } as Judged);
  return { said: `${status} ${reason}`, message };
}

describe("the condition Fenced", () => {
  test("is true when all engines that the annotation names obey", () => {
    assert.equal(verdict("", [aSlot(0), out]).said, "False NotFenced");
    const { said, message } = verdict("1", [aSlot(0), out]);
    assert.equal(said, "True Fenced");
    assert.match(message, /^slot 1: no mail is taken or tried/);
  });

  test("is not while one was not told, or does not answer", () => {
    assert.match(verdict("*", [aSlot(0), out]).message, /: slot 0$/);
    const silent = aSlot(0, { pod: { engine: null } });
    assert.equal(verdict("0,1", [silent, out]).said, "False Fencing");
    assert.equal(verdict("0,1", [aSlot(0, { pod: null }), out]).said, "True Fenced", "its volume is marked");
  });

  test("names what is no slot", () => {
    const { said, message } = verdict("1,7,mx-2", [aSlot(0), out]);
    assert.equal(said, "Unknown NoSuchSlot");
    assert.match(message, /names "mx-2", "7": there is no such slot/);
  });
});
