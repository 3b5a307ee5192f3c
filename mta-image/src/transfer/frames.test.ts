import assert from "node:assert/strict";
import { describe, test } from "node:test";

import fc from "fast-check";

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

  test("of any bytes are refused as broken, or are frames", () => {
    const [first] = frameHeads(1);
    const sound = Buffer.concat(
      encodeFrame({ head: first as NonNullable<typeof first>, content: Buffer.from("x") }),
    );
    const changed = fc.tuple(fc.nat(sound.length - 1), fc.nat(255)).map(([at, byte]) => {
      const bytes = Buffer.from(sound);
      bytes[at] = byte;
      return bytes;
    });
    const any = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(changed, any), (bytes) => {
        try {
          for (const { head } of decodeFrames(bytes))
            assert.equal(head.states.length, head.envelope.recipients.length);
        } catch (error) {
          assert.equal((error as { code?: string }).code, "batch-broken", String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("with a head that breaks the schema are refused with its place", () => {
    const broken = { ...frameHead(makeId(1)), states: [] };
    assert.throws(
      () => decodeFrames(Buffer.concat(encodeFrame({ head: broken, content: Buffer.alloc(0) }))),
      /states/,
    );
    const sound = frameHead(makeId(2));
    const more = { ...sound, states: [...sound.states, ...sound.states] };
    assert.throws(
      () => decodeFrames(Buffer.concat(encodeFrame({ head: more, content: Buffer.alloc(0) }))),
      /states do not match recipients/,
    );
  });
});
