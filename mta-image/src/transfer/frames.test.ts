import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { makeId } from "#base/ids.ts";

import { frameHead, frameHeads } from "../../testing/frame-heads.ts";
import { decodeFrames, encodeFrame } from "./frames.ts";

describe("frames", () => {
  test("come back as they went, and every cut is refused", () => {
    const frames = frameHeads(2).map((one) => ({ head: one, content: Buffer.from("body\r\n") }));
    const bytes = Buffer.concat(frames.flatMap(encodeFrame));
    assert.deepEqual(decodeFrames(bytes), frames);
    const first = Buffer.concat(encodeFrame(frames[0] as (typeof frames)[0])).length;
    for (let cut = 1; cut < bytes.length; cut++) {
      if (cut !== first) assert.throws(() => decodeFrames(bytes.subarray(0, cut)), { code: "batch-broken" });
    }
  });

  test("with a head that breaks the schema are refused with its place", () => {
    const broken = { ...frameHead(makeId(1)), states: [] };
    assert.throws(
      () => decodeFrames(Buffer.concat(encodeFrame({ head: broken, content: Buffer.alloc(0) }))),
      /states/,
    );
  });
});
