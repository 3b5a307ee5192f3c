/**
 * The bill of materials of an image: valid by the schema of CycloneDX itself, complete, and the same bytes each time.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";

import { sbomOf } from "./sbom.ts";

const contents = {
  image: "mailfleet-mta",
  version: "0.1.0",
  node: "26.1.0",
  npm: [
    { name: "zod", version: "4.0.0", license: "MIT" },
    { name: "@grpc/grpc-js", version: "1.2.3", license: "Apache-2.0" },
    { name: "either", version: "1.0.0", license: "(MIT OR Apache-2.0)" },
    { name: "odd", version: "1.0.0", license: "SEE LICENSE IN license.txt" },
  ],
  debian: [{ name: "libc6", version: "1:2.36-9+deb12u14" }],
};

test("is valid by the schema of CycloneDX 1.6", async () => {
  const problems = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(sbomOf(contents));
  assert.equal(problems, null);
});

test("names each part by a package URL, and its licence", () => {
  const { components } = JSON.parse(sbomOf(contents)) as {
    components: readonly { readonly purl: string; readonly licenses?: unknown }[];
  };
  assert.deepEqual(components.map(({ purl }) => purl).sort(), [
    "pkg:deb/debian/libc6@1%3A2.36-9%2Bdeb12u14",
    "pkg:generic/node@26.1.0",
    "pkg:npm/%40grpc/grpc-js@1.2.3",
    "pkg:npm/either@1.0.0",
    "pkg:npm/odd@1.0.0",
    "pkg:npm/zod@4.0.0",
  ]);
  const odd = components.find(({ purl }) => purl.startsWith("pkg:npm/odd"));
  assert.deepEqual(odd?.licenses, [{ license: { name: "SEE LICENSE IN license.txt" } }]);
});

test("the same parts in another order give the same bytes", () => {
  assert.equal(sbomOf({ ...contents, npm: contents.npm.toReversed() }), sbomOf(contents));
});
