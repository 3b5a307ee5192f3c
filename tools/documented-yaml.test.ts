/**
 * What docs show as YAML is what the programs take: resources by their definition and what the operator makes of them,
 * configuration by the engine's own parser, scripts by the compiler. A part of a file is put into a whole one first.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { dump, load, loadAll } from "js-yaml";

import { parseEngineConfig } from "#contract/config.ts";
import { MailClusterSpec } from "#crds/mail-cluster.ts";
import { type Rendering, renderConfig } from "#operator/desired/engine-config.ts";
import { ScriptCheck } from "#operator/scripts/check-scripts.ts";

import { listFiles, root } from "./tree.ts";

type Values = Readonly<Record<string, unknown>>;

const policyKeys = new Set(["rate", "policies", "reactions", "quotas", "warmup"]);
const scripts = new ScriptCheck();

const pages = listFiles().filter((path) =>
  /^(?:docs\/(?:[^/]*|runbooks\/.*)|README|CONTRIBUTING)\.md$/.test(path),
);
const blocks = pages.flatMap((page) =>
  [...readFileSync(root + page, "utf8").matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = ""], at) => ({
    name: `${page}, block ${at + 1}`,
    text,
  })),
);

/** A block may show both files that are reloaded and the one that is not, each after its name. */
function partsOf(text: string): readonly Values[] {
  return text
    .split(/^(?=# smtpd(?:-app)?\.yaml$)/m)
    .map((part) => load(part))
    .filter((part): part is Values => part !== undefined && part !== null);
}

function transportsOf(app: Values): readonly Values[] {
  const groups = (app["transportgroups"] ?? []) as { transports: Values[] }[];
  return groups.flatMap(({ transports }) => transports);
}

/** A whole configuration around parts of it: what they say stands, and what they leave out is the least there can be. */
async function judgeParts(parts: readonly Values[]): Promise<unknown> {
  const isStartup = (part: Values): boolean => JSON.stringify(part["servers"] ?? "").includes("listeners");
  const startup = parts.find(isStartup) ?? { servers: [{ id: "smtp", listeners: [{ port: 25 }] }] };
  const said: Values = Object.assign(
    {},
    ...parts.filter((part) => !isStartup(part) && kindOf(part) === "app"),
  );
  const [first] = transportsOf(said);
  const plugins = transportsOf(said).flatMap(({ plugin }) =>
    plugin === undefined ? [] : [plugin as { id: string }],
  );
  const app = {
    servers: [{ id: "smtp", transport: first?.["id"] ?? "out" }],
    transportgroups: [{ id: "g", transports: [{ id: "out" }, { id: "default" }] }],
    ...said,
  };
  const files = {
    startup: dump({ ...startup, plugins: plugins.map(({ id }) => ({ id, path: `${id}.so` })) }),
    app: dump(app),
    policy: dump(parts.find((part) => kindOf(part) === "policy") ?? {}),
    suspend: dump(parts.find((part) => kindOf(part) === "suspend") ?? {}),
  };
  const parsed = parseEngineConfig(files);
  if (!parsed.ok) return parsed.problems;
  return problemsOf({
    ok: true,
    config: { revision: dump(files), image: null, pluginImages: new Map(), ...files },
  });
}

function kindOf(part: Values): "app" | "policy" | "suspend" {
  if (Object.keys(part).some((key) => policyKeys.has(key))) return "policy";
  return "suspends" in part ? "suspend" : "app";
}

/** The part of a resource that a page is about may leave out how mail leaves. */
async function judgeCluster(spec: Values): Promise<unknown> {
  const config = spec["config"] ?? { app: { transportgroups: [{ id: "g", transports: [{ id: "out" }] }] } };
  const parsed = MailClusterSpec.parse({ ...spec, config });
  return problemsOf(
    renderConfig({ spec: parsed, plugins: [], appFromText: null, spamhaus: null, image: "mta:1" }),
  );
}

async function problemsOf(rendering: Rendering): Promise<unknown> {
  const judged = await scripts.judge(rendering);
  return judged.ok ? [] : judged.problems;
}

describe("YAML of the documentation", () => {
  test("is found", () => assert.ok(blocks.length > 20, String(blocks.length)));

  for (const { name, text } of blocks)
    test(`${name} is taken`, async () => {
      const parts = partsOf(text);
      const spec = parts[0]?.["spec"];
      assert.deepEqual(await (spec === undefined ? judgeParts(parts) : judgeCluster(spec as Values)), []);
    });

  for (const file of readdirSync(`${root}docs/examples/kubectl`))
    test(`docs/examples/kubectl/${file} makes a configuration that engines take`, async () => {
      const objects = loadAll(readFileSync(`${root}docs/examples/kubectl/${file}`, "utf8")) as Values[];
      const clusters = objects.filter(({ kind }) => kind === "MailCluster");
      assert.notEqual(clusters.length, 0);
      for (const { spec } of clusters) assert.deepEqual(await judgeCluster(spec as Values), []);
    });
});
