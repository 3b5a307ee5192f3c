import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { Blocker, Gate, WaitingRoom } from "./waiting-room.ts";

/** Has room from a time on. */
class Barrier extends Blocker {
  opensAt = Number.POSITIVE_INFINITY;

  wait(now: number): number {
    return Math.max(0, this.opensAt - now);
  }
}

function rig(...names: readonly string[]): {
  clock: ManualClock;
  room: WaitingRoom;
  woken: string[];
  gates: readonly Gate[];
} {
  const clock = new ManualClock();
  const woken: string[] = [];
  return { clock, room: new WaitingRoom(clock), woken, gates: names.map((name) => gateOf(name, woken)) };
}

function gateOf(name: string, woken: string[]): Gate {
  return new Gate(() => void woken.push(name));
}

test("a turn that is used for nothing passes to the next, one at a time and in order of arrival", () => {
  const { clock, room, woken, gates } = rig("a", "b", "c");
  const barrier = new Barrier();
  for (const gate of gates) room.park(gate, [barrier]);
  room.look(barrier);
  assert.deepEqual(woken, []);
  barrier.opensAt = clock.monotonic();
  room.look(barrier);
  room.look(barrier);
  assert.deepEqual(woken, ["a"]);
  for (const gate of gates) room.turnEnded(gate);
  assert.deepEqual(woken, ["a", "b", "c"]);
  assert.equal(barrier.isWaitedFor, false);
});

test("who waits for several is woken by the first that has room, and by none of them again", () => {
  const { clock, room, woken, gates } = rig("a");
  const [gate] = gates as readonly [Gate];
  const [one, other] = [new Barrier(), new Barrier()];
  room.park(gate, [one, other]);
  other.opensAt = clock.monotonic();
  room.look(other);
  one.opensAt = clock.monotonic();
  room.look(one);
  assert.deepEqual([woken, gate.isParked, one.parked.size], [["a"], false, 0]);
});

test("a time that comes wakes by itself, also one that has moved to earlier or to later", () => {
  const { clock, room, woken, gates } = rig("a", "b");
  const [a, b] = gates as readonly [Gate, Gate];
  const barrier = new Barrier();
  const start = clock.monotonic();
  barrier.opensAt = start + 1000;
  room.park(a, [barrier]);
  barrier.opensAt = start + 500;
  room.park(b, [barrier]);
  barrier.opensAt = start + 700;
  clock.advance(699);
  assert.deepEqual(woken, []);
  clock.advance(1);
  assert.deepEqual(woken, ["a"]);
  room.turnEnded(a);
  assert.deepEqual(woken, ["a", "b"]);
});

test("a blocker that is no more holds nobody, and a line that is no more is not woken", () => {
  const { clock, room, woken, gates } = rig("a", "b", "c");
  const [a, b, c] = gates as readonly [Gate, Gate, Gate];
  const [gone, staying] = [new Barrier(), new Barrier()];
  room.park(a, [gone, staying]);
  room.park(b, [gone]);
  room.park(c, [staying]);
  room.dissolve(gone);
  assert.deepEqual(woken, ["a", "b"]);
  room.forget(c);
  staying.opensAt = clock.monotonic();
  room.look(staying);
  assert.deepEqual([woken, staying.isWaitedFor], [["a", "b"], false]);
});

test("when rules change, those are woken whose blockers are meant, and after the end nobody is", () => {
  const { clock, room, woken, gates } = rig("a", "b");
  const [a, b] = gates as readonly [Gate, Gate];
  const [meant, other] = [new Barrier(), new Barrier()];
  other.opensAt = clock.monotonic() + 10;
  room.park(a, [meant]);
  room.park(b, [other]);
  room.wakeAll((blocker) => blocker === meant);
  assert.deepEqual(woken, ["a"]);
  room.close();
  clock.advance(1000);
  assert.deepEqual(woken, ["a"]);
});
