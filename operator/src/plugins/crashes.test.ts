import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Pod } from "#operator/kube/objects.ts";

import {
  type PodCrashes,
  blameOf,
  describeBlame,
  endOf,
  hasEndedAgain,
  noteEnds,
  worstOf,
} from "./crashes.ts";

const pod = (restartCount: number, message: string, uid = "u-0"): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "out-0", uid },
  spec: { containers: [] },
  status: {
    containerStatuses: [{ name: "mta", restartCount, lastState: { terminated: { exitCode: 1, message } } }],
  },
});

const NOON = new Date("2026-01-01T12:00:00.500Z");
const HOUR = 3_600_000;

/** What is noted of geo after these pods of revision r of the cluster "out" were seen. */
function noted(
  pods: readonly Pod[],
  known: readonly PodCrashes[] = [],
  { at = NOON, revision = "r" }: { at?: Date; revision?: string } = {},
): PodCrashes[] {
  const ends = pods.flatMap((each) => endOf(each, "out", revision) ?? []);
  return noteEnds(known, ends, { id: "geo", now: at });
}

describe("the end of an engine", () => {
  it("is a plugin's when the engine has named it, by a crash or at its start", () => {
    for (const line of [
      "crash in plugin geo",
      "crash in plugin geo, function look",
      "smtpd: plugin geo (/opt/halon/plugins/geo/geo.so): Halon_init returned false",
    ])
      assert.deepEqual(blameOf(pod(3, `{"level":30}\n${line}\nrest`)), { plugin: "geo", line });
  });

  it("is nobody's when somebody else says so, and that of the plugin with exactly this name", () => {
    assert.equal(blameOf(pod(9, 'he said "crash in plugin geo"')), null);
    assert.equal(blameOf(pod(9, "crash in plugin geography"))?.plugin, "geography");
    assert.deepEqual(noted([pod(9, "crash in plugin geography")]), []);
  });

  it("is told with the name that people gave the plugin, where there is one", () => {
    const blame = { plugin: "Geo", line: "crash in plugin Geo" };
    assert.equal(
      describeBlame(blame, () => "geo-v2"),
      'NativePlugin "geo-v2": crash in plugin Geo',
    );
    assert.equal(
      describeBlame(blame, () => null),
      "crash in plugin Geo",
    );
  });

  it("is looked for when an engine has ended once more, also before it was started again", () => {
    assert.equal(hasEndedAgain(pod(1, ""), pod(0, "")), true);
    assert.equal(hasEndedAgain(pod(1, ""), pod(1, "")), false);
    assert.equal(hasEndedAgain(pod(1, ""), null), true);
    assert.equal(hasEndedAgain(pod(0, "crash in plugin geo"), pod(0, "")), true);
  });
});

describe("the notes of a plugin that ends engines", () => {
  it("count once what is seen twice, and go on with each end", () => {
    const first = noted([pod(0, "crash in plugin geo")]);
    assert.deepEqual(first, [
      {
        cluster: "out",
        revision: "r",
        pod: "out-0",
        uid: "u-0",
        ends: 1,
        at: "2026-01-01T12:00:00Z",
        line: "crash in plugin geo",
      },
    ]);
    assert.deepEqual(noted([pod(1, "crash in plugin geo")], first), first);
    assert.equal(noted([pod(2, "crash in plugin geo")], first)[0]?.ends, 2);
  });

  it("count pods of one revision together that came one after the other", () => {
    const first = noted([pod(1, "crash in plugin geo", "u-1")]);
    const second = noted([pod(1, "crash in plugin geo", "u-2")], first);
    assert.equal(worstOf(second)?.ends, 2);
    const third = noted([pod(1, "crash in plugin geo, function look", "u-3")], second, {
      at: new Date(NOON.getTime() + HOUR),
    });
    assert.deepEqual(worstOf(third), {
      cluster: "out",
      revision: "r",
      ends: 3,
      pod: "out-0",
      line: "crash in plugin geo, function look",
    });
  });

  it("tell revisions apart", () => {
    const first = noted([pod(1, "crash in plugin geo", "u-1")]);
    const second = noted([pod(2, "crash in plugin geo", "u-2")], first, { revision: "s" });
    assert.deepEqual([worstOf(second)?.revision, worstOf(second)?.ends], ["s", 2]);
    assert.equal(worstOf([]), null);
  });

  it("forget after a day", () => {
    const first = noted([pod(2, "crash in plugin geo")]);
    const later = (hours: number): Date => new Date(NOON.getTime() + hours * HOUR);
    assert.equal(noted([], first, { at: later(23) }).length, 1);
    assert.equal(noted([], first, { at: later(25) }).length, 0);
  });
});
