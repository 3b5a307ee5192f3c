/** Notices whose ids scripts were told of before there were any: who shares one, and what it is asked for with. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeCourier, outcome } from "../../testing/fake-courier.ts";
import { FakeNotifier } from "../../testing/fake-notifier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { settle, setUp } from "../../testing/queue-rig.ts";
import type { Outcome } from "./courier.ts";

type Told = NonNullable<Outcome["notice"]>;

function failedWith(notice: Told | null): Outcome {
  return { ...outcome("failed"), ...(notice === null ? {} : { notice }) };
}

/** Notices of a message whose recipients failed so, each as "id: recipients"; with `refusals` by the notifier first. */
async function notices(told: readonly (Told | null)[], domain: string, refusals = 0): Promise<string[]> {
  const [courier, notifier] = [new FakeCourier(), new FakeNotifier()];
  courier.answer = (address) => failedWith(told[Number(address.slice(0, 1))] ?? null);
  notifier.refuses = refusals > 0;
  const { queue, clock } = setUp({ courier, notifier });
  queue.add(
    makeMessage({ recipients: told.map((_, index) => `${index}@${domain.replace("#", `${index}`)}`) }),
  );
  await settle();
  for (let minute = 0; minute < refusals; minute++) {
    notifier.refuses = minute < refusals - 1;
    clock.advance(60_000);
    await settle();
  }
  assert.equal(queue.figures().total, 0);
  return notifier.notices.map(
    ({ transaction = "none", recipients }) =>
      `${transaction}: ${recipients
        .map(({ index }) => index)
        .toSorted()
        .join()}`,
  );
}

const failed = (transaction: string): Told => ({ kind: "failed", transaction });

test("recipients of whom one id was told share a notice, and those of whom none was told share it too", async () => {
  assert.deepEqual(await notices([null, failed("A"), failed("A"), null], "example.net"), ["A: 0,1,2,3"]);
  assert.deepEqual(await notices([null, null], "example.net"), ["none: 0,1"]);
});

test("an id of a notice of another kind is none", async () => {
  assert.deepEqual(await notices([{ kind: "delayed", transaction: "A" }], "example.net"), ["none: 0"]);
});

test("a notice that was refused is asked for with its id again", async () => {
  assert.deepEqual(await notices([failed("A"), failed("A")], "example.net", 3), ["A: 0,1"]);
});

test("recipients of two attempts that wait for their notices together get each the one that was told", async () => {
  const found = await notices([failed("A"), failed("B"), failed("A"), null], "#.example.net", 2);
  assert.deepEqual(found.toSorted(), ["A: 0,2,3", "B: 1"]);
});
