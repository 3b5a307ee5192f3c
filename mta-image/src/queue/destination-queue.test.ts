import assert from "node:assert/strict";
import { test } from "node:test";

import { DestinationQueue } from "./destination-queue.ts";

interface Mail {
  readonly name: string;
  phase: string;
  readonly message: { readonly envelope: { readonly priority?: number } };
  readonly verdict: null;
}

const line = (): DestinationQueue<Mail> =>
  new DestinationQueue<Mail>("d", { transportId: "t", domain: "d", jobId: "", tenantId: "" });

function mail(name: string, priority?: number): Mail {
  const envelope = priority === undefined ? {} : { priority };
  return { name, phase: "ready", message: { envelope }, verdict: null };
}

function takeAll(queue: DestinationQueue<Mail>): string[] {
  const names: string[] = [];
  for (let taken = queue.take(1); taken.length > 0; taken = queue.take(1)) names.push(taken[0]?.name ?? "");
  return names;
}

test("urgent mail goes first, patient mail last, equals in order of arrival", () => {
  const queue = line();
  for (const [name, priority] of [["a", -3], ["b"], ["c", 9], ["d"], ["e", 1]] as const)
    queue.push(mail(name, priority));
  assert.equal(queue.ready, 5);
  assert.deepEqual(takeAll(queue), ["c", "e", "b", "d", "a"]);
  assert.equal(queue.ready, 0);
});

test("urgent mail without end leaves turns to the rest", () => {
  const queue = line();
  queue.push(mail("patient", -1));
  for (let i = 0; i < 100; i++) queue.push(mail(`urgent ${i}`, 5));
  assert.equal(takeAll(queue).indexOf("patient"), 7);
});

test("an entry that was held while it was in line is passed over", () => {
  const queue = line();
  const held = mail("held", 9);
  queue.push(held);
  queue.push(mail("next"));
  held.phase = "hold";
  assert.equal(queue.peek()?.name, "next");
});
