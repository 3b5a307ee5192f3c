import assert from "node:assert/strict";
import { test } from "node:test";

import { hooksOf } from "../../testing/hook-scripts.ts";
import { Receiver } from "../../testing/receiver.ts";
import { type Value, HslArray } from "../script/value.ts";
import { replyOf } from "./wording.ts";

const usual = { code: 450, enhanced: "4.7.0", text: "not now" };

function said(codes: Readonly<Record<string, Value>>): string {
  const options = HslArray.from([["reply_codes", HslArray.from(Object.entries(codes))]]);
  return replyOf({ reason: "full", options }, usual).bytes.toString();
}

test("codes may be texts, as scripts find them in others", () => {
  assert.equal(said({ code: "452", enhanced: HslArray.of(["4", "2", "2"]) }), "452 4.2.2 full\r\n");
  assert.equal(said({ code: 452, enhanced: HslArray.of([4, 2, 2]) }), "452 4.2.2 full\r\n");
});

test("codes that are none, or of another class, are passed over", () => {
  for (const enhanced of [
    ["4", "2"],
    ["5", "2", "2"],
    ["4", "", "2"],
    ["4", "2", "2 x"],
    ["4", "2", null],
  ])
    assert.equal(said({ code: "550", enhanced: HslArray.of(enhanced) }), "450 4.7.0 full\r\n");
});

test("Accept says what stands before its options, as Reject and Defer do", async () => {
  const hooks = hooksOf({ connect: `Accept("hello", ["remoteptr" => "own.example"]);` });
  const receiver = await Receiver.start({ settings: { hooks } });
  try {
    const client = await receiver.connect();
    assert.equal(await client.reply(), "220 hello");
    client.socket.destroy();
  } finally {
    await receiver.close();
  }
});
