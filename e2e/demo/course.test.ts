import assert from "node:assert/strict";
import { test } from "node:test";

import { Course } from "./course.ts";

test("a burst is told by when pods came, when the queue was worked off, and when one pod was left", () => {
  let now = 0;
  const course = new Course(() => now);
  const look = (second: number, accepted: number, delivered: number, pods: number): void => {
    now = second * 1000;
    course.add({ accepted, delivered, pods, wanted: pods });
  };
  look(5, 50, 50, 1);
  course.mark("burst");
  look(10, 500, 200, 1);
  look(15, 1000, 400, 3);
  course.mark("calm");
  assert.equal(course.isDrained, false);
  look(25, 1100, 1090, 3);
  look(40, 1250, 1250, 1);
  assert.equal(course.between("burst", "calm"), 10);
  assert.deepEqual([course.grownAfter, course.drainedAfter, course.smallAfter], [10, 10, 25]);
  assert.deepEqual([course.mostPods, course.mostQueued], [3, 600]);
});

test("what comes and goes is told by the second, from look to look", () => {
  let now = 0;
  const course = new Course(() => now);
  now = 2000;
  course.add({ accepted: 10, delivered: 4, pods: 1, wanted: 1 });
  now = 4000;
  const { came, went } = course.add({ accepted: 30, delivered: 10, pods: 1, wanted: 1 });
  assert.deepEqual([came, went], [10, 3]);
});
