import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { aSlot, aSpec, anEngine } from "../../testing/builders.ts";
import type { Judged, Refused } from "./judged.ts";
import { spoolsHealthy } from "./spools-healthy.ts";

const of = (slots: Judged["slots"], refused: readonly Refused[] = []) => {
  const judged = { slots, refused, spec: aSpec({ storage: { size: "20Gi" } }) } as unknown as Judged;
  const { status, reason, message } = spoolsHealthy(judged);
  return { verdict: `${status} ${reason}`, message };
};
const MiB = 1024 ** 2;
const withEngine = (engine: object) => aSlot(0, { pod: { engine: { ...anEngine(), ...engine } } });

describe("SpoolsHealthy", () => {
  test("is true when nothing is wrong, also where nothing is known", () => {
    const spool = { freeBytes: 9000 * MiB, floorBytes: 256 * MiB };
    assert.equal(of([withEngine({ spool }), aSlot(1, { pod: { engine: null } })]).verdict, "True Healthy");
    assert.equal(of([withEngine({ spool: { freeBytes: null, floorBytes: 1 } })]).verdict, "True Healthy");
  });

  test("warns below twice the floor, and says what a full spool does", () => {
    const tight = of([withEngine({ spool: { freeBytes: 500 * MiB, floorBytes: 256 * MiB } })]);
    assert.equal(tight.verdict, "False SpoolPressure");
    const full = of([withEngine({ spoolClosed: "spool-full" })]);
    assert.equal(full.verdict, "False SpoolFull");
    assert.match(
      full.message,
      /^slot 0: new mail gets 452 until more than 256Mi is free; raise storage\.size/,
    );
  });

  test("tells a full spool from one that failed", () => {
    assert.equal(of([withEngine({ spoolClosed: "spool-broken" })]).verdict, "False SpoolClosed");
  });

  test("follows a volume that grows, and says why one cannot", () => {
    const claim = { size: "20Gi", capacity: "10Gi" };
    assert.equal(of([aSlot(0, { claim })]).verdict, "Unknown Resizing");
    const words = "only dynamically provisioned pvc can be resized";
    const { verdict, message } = of([aSlot(0)], [{ kind: "resize-claim", slot: 0, message: words }]);
    assert.equal(verdict, "False ResizeRefused");
    assert.match(
      message,
      /slot 0: only dynamically .*; volumes keep the size .* allowVolumeExpansion .* 20Gi/,
    );
  });

  test("a lost volume is bad news", () => {
    assert.equal(of([aSlot(0, { claim: { phase: "Lost" } })]).verdict, "False VolumeLost");
  });

  test("other refused writes are no matter of spools", () => {
    assert.equal(of([aSlot(0)], [{ kind: "create-pod", slot: 1, message: "quota" }]).verdict, "True Healthy");
  });
});
