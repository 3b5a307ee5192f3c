import assert from "node:assert/strict";
import { test } from "node:test";

import { aSpec } from "../../testing/builders.ts";
import { renderConfig } from "./engine-config.ts";
import { underSourceName } from "./source-name.ts";

function filesOfProblems(config: Record<string, unknown>, appFromText: string | null): readonly string[] {
  const spec = aSpec({ config });
  const input = { spec, plugins: [], appFromText, spamhaus: null, image: "mta:1" };
  const rendering = underSourceName(renderConfig(input), spec);
  return rendering.ok ? [] : rendering.problems.map(({ file, path }) => `${file} ${path}`);
}

const text = "transportgroups: [{ id: all, transports: [{ id: first }] }]\ncolour: red";

test("problems of a configuration bear the key of the ConfigMap that it stands in", () => {
  const appFrom = { name: "mail", key: "outbound.yaml" };
  assert.deepEqual(filesOfProblems({ appFrom }, text), ["outbound.yaml colour"]);
  assert.deepEqual(filesOfProblems({ appFrom }, "a: ["), ["outbound.yaml "]);
  assert.deepEqual(filesOfProblems({ appFrom }, null), ["outbound.yaml "]);
});

test("without a ConfigMap, and in the other files, names stay the standard ones", () => {
  assert.deepEqual(filesOfProblems({ app: { colour: "red" } }, null).slice(-1), ["smtpd-app.yaml colour"]);
  const config = { appFrom: { name: "mail", key: "outbound.yaml" }, policy: { colour: "red" } };
  assert.deepEqual(filesOfProblems(config, text.replace("\ncolour: red", "")), ["smtpd-policy.yaml colour"]);
});
