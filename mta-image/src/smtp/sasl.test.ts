import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { SaslExchange } from "./sasl.ts";

test("any answers end in a question, a refusal, or a name and a password that are plain text", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc
      .array(fc.constantFrom("\0", "ann", "é", "\r\n", "secret", "\x7f", "a".repeat(300)), { maxLength: 6 })
      .map((parts) => Buffer.from(parts.join("")).toString("base64")),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("base64")),
    fc.constantFrom("*", "=", "", "====", "YQ=", "YQ==YQ=="),
  );
  fc.assert(
    fc.property(
      fc.constantFrom("PLAIN" as const, "LOGIN" as const),
      fc.option(text),
      fc.array(text, { maxLength: 3 }),
      (mechanism, initial, answers) => {
        const exchange = new SaslExchange(mechanism);
        let step = exchange.start(initial);
        for (const answer of answers) if (step.kind === "ask") step = exchange.answer(answer);
        if (step.kind === "ask") assert.equal(step.reply.code, 334);
        else if (step.kind === "refused") assert.ok(step.reply.code >= 500, String(step.reply.code));
        else {
          assert.match(step.identity.login, /^[^\x00-\x1f\x7f]{1,255}$/);
          assert.match(step.identity.password, /^[^\0]+$/);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
