import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Pod } from "#operator/kube/objects.ts";

import { crashLoopOf, hasEndedAgain } from "./crashes.ts";

const pod = (restartCount: number, message: string): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "out-0" },
  spec: { containers: [] },
  status: {
    containerStatuses: [{ name: "mta", restartCount, lastState: { terminated: { exitCode: 1, message } } }],
  },
});

describe("a crash loop", () => {
  it("is a plugin's when the engine has named it, by a crash or at its start", () => {
    for (const line of [
      "crash in plugin geo",
      "crash in plugin geo, function look",
      "smtpd: plugin geo (/opt/halon/plugins/geo/geo.so): Halon_init returned false",
    ]) {
      assert.deepEqual(crashLoopOf([pod(3, `{"level":30}\n${line}\nrest`)], "geo"), {
        pod: "out-0",
        restarts: 3,
        line,
      });
    }
  });

  it("is nobody's before the third time, and not that of a plugin with a similar name", () => {
    assert.equal(crashLoopOf([pod(2, "crash in plugin geo")], "geo"), null);
    assert.equal(crashLoopOf([pod(9, "crash in plugin geography")], "geo"), null);
    assert.equal(crashLoopOf([pod(9, 'he said "crash in plugin geo"')], "geo"), null);
  });

  it("is looked for when an engine has ended once more", () => {
    assert.equal(hasEndedAgain(pod(1, ""), pod(0, "")), true);
    assert.equal(hasEndedAgain(pod(1, ""), pod(1, "")), false);
    assert.equal(hasEndedAgain(pod(1, ""), null), true);
  });
});
