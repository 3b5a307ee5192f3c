import assert from "node:assert/strict";
import { test } from "node:test";

import { type Value, HslArray } from "../script/value.ts";
import { talkChoice } from "./try-talk.ts";

const choice = (...options: readonly (readonly [string, Value])[]) => talkChoice(HslArray.from(options));
const pairs = (...items: readonly (readonly [string, Value])[]) => HslArray.from(items);
const nothing = { helo: null, isLmtp: null, timeouts: {}, login: null, xclient: [] };

test("nothing said is no wish", () => {
  assert.equal(choice(), null);
  assert.equal(choice(["timeout", pairs(["QUIT", 5])]), null);
});

test("each option is understood", () => {
  assert.deepEqual(choice(["helo", "mx.example.com"]), { ...nothing, helo: "mx.example.com" });
  assert.deepEqual(choice(["protocol", "lmtp"]), { ...nothing, isLmtp: true });
  assert.deepEqual(choice(["saslusername", "joe"], ["saslpassword", "gr\xc3\xbcn"]), {
    ...nothing,
    login: { username: "joe", password: "grün" },
  });
  assert.deepEqual(choice(["xclient", pairs(["addr", "192.0.2.1"], ["PORT", 25])]), {
    ...nothing,
    xclient: [
      ["ADDR", "192.0.2.1"],
      ["PORT", "25"],
    ],
  });
  assert.deepEqual(
    choice(["timeout", pairs(["BANNER", 1], ["EOD", 0.5], ["rcpt", 1e9])], ["connect_timeout", 3]),
    { ...nothing, timeouts: { greetingMs: 1000, endOfDataMs: 500, rcptMs: 3_600_000, connectMs: 3000 } },
  );
});

test("what makes no sense is refused", () => {
  assert.equal(choice(["helo", "a b"]), "helo is no name");
  assert.equal(choice(["protocol", "http"]), "protocol is neither smtp nor lmtp");
  for (const bad of [pairs(["MAIL", 0]), pairs(["MAIL", "1"]), 5])
    assert.equal(choice(["timeout", bad]), "timeout is no number of seconds");
  assert.equal(choice(["connect_timeout", -1]), "timeout is no number of seconds");
  assert.equal(choice(["saslusername", "joe"]), "saslusername and saslpassword are not two texts");
  for (const bad of [pairs(["ADDR NAME", "x"]), pairs(["ADDR", HslArray.of([])]), "x"])
    assert.equal(choice(["xclient", bad]), "xclient is no array of names and values");
});
