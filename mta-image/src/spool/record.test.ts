import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";

import fc from "fast-check";

import { makeId } from "#base/ids.ts";

import { decode, encodeSettled, encodeState, nextSound, soundLength } from "./record.ts";
import { makeState } from "../../testing/messages.ts";

const id = makeId(1_700_000_000_000);
const record = Buffer.concat(encodeState(id, 0, makeState({ lastReply: "451 4.7.1 MFR1" })));
const other = Buffer.concat(encodeSettled(id, 1));

test("a record cut at any byte, or with any bit flipped, is not sound, and the next one is found", () => {
  assert.equal(soundLength(record, 0), record.length);
  for (let at = 0; at < record.length; at++) {
    assert.equal(soundLength(record.subarray(0, at), 0), null, `cut at ${at}`);
    const torn = Buffer.concat([record.subarray(0, at), other]);
    assert.equal(nextSound(torn, 0), at, `behind ${at} bytes`);
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Buffer.concat([record, other]);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      assert.equal(soundLength(flipped, 0), null, `bit ${bit} of ${at}`);
      assert.equal(nextSound(flipped, 0), record.length);
    }
  }
});

test("any bytes are sound records within them, or none", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(record, other, Buffer.from("MFR1"), Buffer.alloc(20)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const data = Buffer.concat(pieces);
      for (let at = nextSound(data, 0); at !== -1; at = nextSound(data, at + 1)) {
        const length = soundLength(data, at) ?? 0;
        assert.ok(length > 0 && at + length <= data.length);
        assert.notEqual(decode(data, at), null);
      }
    }),
  );
});

test("a sound record of anything else than we write is none", () => {
  const meta = fc.oneof(
    fc.json(),
    fc.string(),
    fc.constantFrom(`{"id":"${id}"}`, `{"id":"${id}","recipient":"0"}`),
  );
  fc.assert(
    fc.property(meta, fc.nat(255), fc.nat(0xffffff), (text, type, metaLength) => {
      const payload = Buffer.from(text);
      const bytes = Buffer.alloc(16 + payload.length);
      bytes.write("MFR1");
      bytes.writeUInt32BE(payload.length, 4);
      bytes[12] = type;
      bytes.writeUIntBE(Math.min(metaLength, metaLength % 2 === 0 ? payload.length : metaLength), 13, 3);
      payload.copy(bytes, 16);
      bytes.writeUInt32BE(crc32(bytes.subarray(12)), 8);
      assert.equal(soundLength(bytes, 0), bytes.length);
      assert.equal(decode(bytes, 0), null);
    }),
  );
});
