import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { aSlot, anEngine } from "../../testing/builders.ts";
import { chooseConfig } from "./choose-config.ts";
import { decidePush } from "./decide-push.ts";

const good = { revision: "rev-1", startup: "s", app: "a" };
const next = { revision: "rev-2", startup: "s", app: "b" };
const problems = [{ file: "smtpd-app.yaml", path: "", reason: "no" }];
const plain = {
  rendering: { ok: true, config: next },
  pluginProblems: [],
  refusal: null,
  lastGood: good,
} as const;

describe("the configuration that pods run", () => {
  it("is the spec's when it can be made", () => {
    const choice = chooseConfig(plain);
    assert.deepEqual([choice.config, choice.podChanges, choice.state.kind], [next, "all", "rendered"]);
  });

  it("is the last good one while the spec's is broken, and nothing that works is touched", () => {
    const choice = chooseConfig({ ...plain, rendering: { ok: false, reason: "Invalid", problems } });
    assert.deepEqual([choice.config, choice.podChanges, choice.state.kind], [good, "create", "broken"]);
  });

  it("is the last good one when an engine refused the spec's", () => {
    const choice = chooseConfig({ ...plain, refusal: { revision: "rev-2", problems } });
    assert.deepEqual([choice.config, choice.podChanges, choice.state.kind], [good, "create", "refused"]);
  });

  it("is the spec's again when it has changed since it was refused", () => {
    const choice = chooseConfig({ ...plain, refusal: { revision: "rev-0", problems } });
    assert.equal(choice.config, next);
  });

  it("is the last good one while a plugin cannot be had", () => {
    const pluginProblems = [{ name: "warmup", reason: "NotFound", message: "" }] as const;
    assert.equal(chooseConfig({ ...plain, pluginProblems }).config, good);
  });

  it("is none when none was ever good", () => {
    const choice = chooseConfig({
      ...plain,
      rendering: { ok: false, reason: "Invalid", problems },
      lastGood: null,
    });
    assert.deepEqual([choice.config, choice.podChanges], [null, "none"]);
  });
});

describe("the push", () => {
  const pushed = (slots: Parameters<typeof decidePush>[0]["slots"]): number[] =>
    decidePush({ slots, revision: "rev-2", hashOf: () => "hash" }).map(({ slot }) => slot);
  const running = { pod: { engine: anEngine({ revision: "rev-2" }) } };

  it("goes to one engine first", () => assert.deepEqual(pushed([aSlot(0), aSlot(1), aSlot(2)]), [0]));

  it("goes to all others when one runs it", () => {
    assert.deepEqual(pushed([aSlot(0, running), aSlot(1), aSlot(2)]), [1, 2]);
  });

  it("goes to nobody when all run it", () => assert.deepEqual(pushed([aSlot(0, running)]), []));

  it("leaves alone who is silent, stopping, or was started with another smtpd.yaml", () => {
    const stopping = { engine: anEngine({ state: "Stopping" }) };
    const slots = [
      aSlot(0, { pod: { engine: null } }),
      aSlot(1, { pod: stopping }),
      aSlot(2, { pod: { hash: "old" } }),
    ];
    assert.deepEqual(pushed(slots), []);
  });
});
