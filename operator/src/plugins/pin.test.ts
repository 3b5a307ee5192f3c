import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { pinOf } from "./pin.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
type Policy = "Always" | "IfNotPresent" | "Never";
const pin = (reference: string, imageId: string, pullPolicy: Policy = "IfNotPresent"): string | null =>
  pinOf({ reference, path: "it.so", pullPolicy }, imageId).image;

describe("the image of a plugin", () => {
  it("is pinned to the digest that its registry gave for the tag", () => {
    const name = "registry.example:5000/team/geo";
    assert.equal(pin(`${name}:1`, `${name}@${DIGEST}`), `${name}@${DIGEST}`);
    assert.equal(pin(name, `docker-pullable://${name}@${DIGEST}`), `${name}@${DIGEST}`);
    assert.equal(pin("geo:1", `docker.io/library/geo@${DIGEST}`), `geo@${DIGEST}`);
    assert.equal(pin("team/geo:1", `docker.io/team/geo@${DIGEST}`), `team/geo@${DIGEST}`);
  });

  it("is left as it is written when people have pinned it", () => {
    const reference = `registry.example/geo:1@${DIGEST}`;
    assert.equal(pin(reference, ""), reference);
  });

  it("is not pinned to what other nodes could not pull", () => {
    const name = "registry.example/geo";
    // An image that was imported by name has the digest of its configuration for an id.
    assert.equal(pin(`${name}:1`, DIGEST), null);
    assert.equal(pin(`${name}:1`, ""), null);
    assert.equal(pin(`${name}:1`, `${name}@${DIGEST}`, "Never"), null);
    assert.equal(pin(`${name}:1`, `other.example/geo@${DIGEST}`), null);
    assert.equal(pin("localhost/geo:1", `localhost/geo@${DIGEST}`), null);
    assert.equal(pin("localhost:5000/geo:1", `localhost:5000/geo@${DIGEST}`), `localhost:5000/geo@${DIGEST}`);
  });

  it("says why it is not", () => {
    const image = { reference: "localhost/geo:1", path: "it.so", pullPolicy: "IfNotPresent" } as const;
    assert.deepEqual(pinOf(image, DIGEST), {
      image: null,
      why: "localhost is no registry that nodes could ask",
    });
    assert.deepEqual(pinOf(undefined, ""), { image: null, why: "" });
  });
});
