import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { noFence } from "#operator/slots/fence.ts";

import { wishesOf } from "./wishes.ts";

const wishes = (annotations: Record<string, string>) => wishesOf({ name: "out", annotations });

describe("what people ask for by annotations", () => {
  it("is nothing when there are none", () => {
    const none = {
      isPaused: false,
      isHibernating: false,
      rollout: null,
      restart: null,
      preferred: new Set(),
      forced: new Set(),
      fence: noFence,
      ignored: new Set(),
    };
    assert.deepEqual(wishesOf({ name: "out" }), none);
    assert.deepEqual(wishes({ "mailfleet.io/paused": "yes", "mailfleet.io/hibernate": "" }), none);
  });

  it("has pods made anew for any text, and for none where it is empty", () => {
    assert.equal(wishes({ "mailfleet.io/restart": "2026-11-27" }).restart, "2026-11-27");
    assert.equal(wishes({ "mailfleet.io/restart": "" }).restart, null);
    assert.equal(wishes({ "mailfleet.io/restart": "x".repeat(10_000) }).restart?.length, 256);
  });

  it("names slots by number, with or without spaces", () => {
    assert.deepEqual([...wishes({ "mailfleet.io/remove-slots": "2, 5,2" }).preferred], [2, 5]);
    assert.deepEqual([...wishes({ "mailfleet.io/force-delete-slot": "0" }).forced], [0]);
  });

  it("is not guessed at where it is no number", () => {
    for (const text of ["", "out-2", "-1", "1.5", "all", "99999999", "0x1", "1;2"])
      assert.deepEqual([...wishes({ "mailfleet.io/force-delete-slot": text }).forced], [], text);
    assert.deepEqual([...wishes({ "mailfleet.io/remove-slots": "1,two,3" }).preferred], [1, 3]);
  });
});
