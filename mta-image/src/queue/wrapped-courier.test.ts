import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeCourier, outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import type { Courier } from "./courier.ts";
import { wrapCourier } from "./wrapped-courier.ts";

const attempt = {
  destination: { key: "out x", transportId: "out", domain: "x" },
  message: makeMessage({ recipients: ["ann@x.net", "bob@x.net"] }),
  recipients: [0, 1],
};
const deliver: Courier["deliver"] = async () => [outcome("deferred")];

test("what wraps a courier delivers itself, and forgets nothing else that the courier does", async () => {
  const [refusal, late] = [outcome("deferred", "refused"), outcome("failed", "too late")];
  const wrapped = wrapCourier(
    {
      attemptsPerDestination: 7,
      deliver: async () => [outcome("delivered")],
      refused: async (_, value) => (value === "no" ? refusal : null),
      expired: async () => [late, late],
      close: async () => {},
    },
    deliver,
  );
  assert.equal((await wrapped.deliver(attempt))[0]?.kind, "deferred");
  assert.equal(wrapped.attemptsPerDestination, 7);
  assert.equal(await wrapped.refused?.(attempt, "no"), refusal);
  assert.deepEqual(await wrapped.expired?.(attempt, outcome("failed")), [late, late]);
});

test("where the courier does not want to be asked, what is usual holds", async () => {
  const { attemptsPerDestination, close } = new FakeCourier();
  const wrapped = wrapCourier({ attemptsPerDestination, close, deliver }, deliver);
  const late = outcome("failed", "too late");
  assert.equal(await wrapped.refused?.(attempt, "no"), null);
  assert.deepEqual(await wrapped.expired?.(attempt, late), [late, late]);
});
