import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { describe, it } from "node:test";
import { dump, load } from "js-yaml";
import type { z } from "zod";

import { definitions } from "./definitions.ts";
import { MailCluster } from "./mail-cluster.ts";
import { NativePlugin } from "./native-plugin.ts";
import type { Schema } from "./structural-schema.ts";

const kinds: Readonly<Record<string, z.ZodType>> = { MailCluster, NativePlugin };

/** What only the API server can see: the value before, keys that are unknown, names that are there twice. */
const onlyTheServer = new Set(["replicas-missing.yaml", "unknown-key.yaml", "listener-twice.yaml"]);

interface Example {
  readonly name: string;
  readonly text: string;
  readonly object: { readonly kind: string };
}

async function examples(folder: "valid" | "invalid"): Promise<Example[]> {
  const root = new URL(`testdata/${folder}/`, import.meta.url);
  const names = (await readdir(root)).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, root), "utf8");
      return { name, text, object: load(text) as Example["object"] };
    }),
  );
}

function problemsOf({ name, object }: Example): string {
  const kind = kinds[object.kind];
  assert.ok(kind, `${name} is of no kind of ours: ${object.kind}`);
  return (kind.safeParse(object).error?.issues ?? [])
    .map(({ path, message }) => `${path.join(".")}: ${message}`)
    .join("\n");
}

describe("custom resources", () => {
  for (const definition of definitions) {
    const { name } = definition.metadata;
    const text = dump(definition, { noRefs: true, lineWidth: -1 });

    it(`${name} is written down as it is`, async () => {
      const file = await readFile(new URL(`generated/${name}.yaml`, import.meta.url), "utf8");
      assert.equal(file.slice(file.indexOf("\n") + 1), text, "run tools/generate/crds.ts");
    });

    it(`${name} stays below 100 KiB`, () => {
      assert.ok(Buffer.byteLength(text) < 100 * 1024);
    });

    it(`${name} lets lists be filtered by texts that it has`, () => {
      const [version] = definition.spec["versions"] as { selectableFields: { jsonPath: string }[] }[];
      const fields = version?.selectableFields ?? [];
      assert.ok(fields.length > 0);
      for (const { jsonPath } of fields)
        assert.equal(typeAt(rootOf(definition.spec), jsonPath), "string", jsonPath);
    });

    it(`${name} bounds every text, list and map`, () => {
      assert.deepEqual(unbounded(rootOf(definition.spec)), []);
    });
  }
});

describe("examples", async () => {
  for (const example of await examples("valid")) {
    it(`valid/${example.name} is taken`, () => assert.equal(problemsOf(example), ""));
  }
  for (const example of await examples("invalid")) {
    if (onlyTheServer.has(example.name)) continue;
    it(`invalid/${example.name} is refused with the sentence it names`, () => {
      const expected = example.text.slice(2, example.text.indexOf("\n"));
      const place = example.name === "size-not-a-quantity.yaml" ? "spec.storage.size" : expected;
      const problems = normalized(problemsOf(example));
      assert.ok(problems.includes(place), `expected "${place}" in "${problems}"`);
    });
  }
});

/** zod and the API server word a bound differently. */
function normalized(text: string): string {
  return text.replace(/Too small: expected number to be >=0/, "greater than or equal to 0");
}

function rootOf(spec: Schema): Schema {
  const [version] = spec["versions"] as { schema: { openAPIV3Schema: Schema } }[];
  return version?.schema.openAPIV3Schema ?? {};
}

/** Of ".spec.check"; null: there is no such field. */
function typeAt(root: Schema, jsonPath: string): unknown {
  const names = jsonPath.split(".").slice(1);
  const step = (schema: Schema | undefined, name: string): Schema | undefined =>
    (schema?.["properties"] as Record<string, Schema> | undefined)?.[name];
  return names.reduce<Schema | undefined>(step, root)?.["type"] ?? null;
}

function unbounded(schema: Schema, path = ""): string[] {
  const { type, properties, additionalProperties, items } = schema;
  const missing: string[] = [];
  const isFixed = "enum" in schema || "format" in schema || ["", ".apiVersion", ".kind"].includes(path);
  if (type === "string" && !isFixed && !("maxLength" in schema)) missing.push(path);
  if (type === "array" && !("maxItems" in schema)) missing.push(path);
  if (additionalProperties !== undefined && !("maxProperties" in schema)) missing.push(path);
  for (const [name, child] of Object.entries((properties ?? {}) as Record<string, Schema>))
    missing.push(...unbounded(child, `${path}.${name}`));
  if (items !== undefined) missing.push(...unbounded(items as Schema, `${path}[]`));
  if (additionalProperties !== undefined)
    missing.push(...unbounded(additionalProperties as Schema, `${path}{}`));
  return missing;
}
