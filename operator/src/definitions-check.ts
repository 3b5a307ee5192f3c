/**
 * Whether the definitions that the API server has are those of this version, told from the schemas that it publishes: to read
 * the definitions themselves the operator would need a right that nothing else needs. Helm, OLM and people may upgrade
 * the operator without them. A field that the server does not know is dropped from what users write, without a word, and from
 * the status, which would then be written again for ever. More than is needed does no harm.
 */
import type { Definition } from "#crds/definitions.ts";
import { group, version } from "#crds/group.ts";
import type { Schema } from "#crds/structural-schema.ts";

import { decodeAnswer, isMap } from "#operator/kube/decode.ts";
import type { RawReader } from "#operator/kube/discovery.ts";

const PATH = `/openapi/v3/apis/${group}/${version}`;
/** Every object has these, and servers describe them in their own way. */
const EVERYWHERE: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

/** "MailCluster spec.drain.to", of all that is missing; null: the server does not tell. Rejects as `reader` does. */
export async function missingFields(
  reader: RawReader,
  definitions: readonly Definition[],
): Promise<readonly string[] | null> {
  const answer = await reader.raw(PATH);
  if (answer.status === 403 || answer.status === 404) return null;
  const published = schemasByKind(decodeAnswer(`get ${PATH}`, answer));
  return definitions.flatMap(({ spec }) => {
    const { kind } = spec["names"] as { readonly kind: string };
    const found = published.get(kind);
    return found === undefined ? [kind] : missingIn(found, rootOf(spec)).map((path) => `${kind} ${path}`);
  });
}

function rootOf(spec: Schema): Schema {
  const [first] = spec["versions"] as { readonly schema: { readonly openAPIV3Schema: Schema } }[];
  const { properties, ...root } = first?.schema.openAPIV3Schema ?? {};
  const own = Object.entries((properties ?? {}) as Schema).filter(([name]) => !EVERYWHERE.has(name));
  return { ...root, properties: Object.fromEntries(own) };
}

function schemasByKind(document: unknown): ReadonlyMap<string, Schema> {
  const components = isMap(document) ? document["components"] : null;
  const schemas = isMap(components) && isMap(components["schemas"]) ? components["schemas"] : {};
  return new Map(
    Object.values(schemas).flatMap((schema) => {
      const kinds: unknown = isMap(schema) ? schema["x-kubernetes-group-version-kind"] : null;
      const first: unknown = Array.isArray(kinds) ? kinds[0] : null;
      return isMap(schema) && isMap(first) ? [[String(first["kind"]), schema] as const] : [];
    }),
  );
}

function missingIn(found: unknown, wanted: Schema, path = ""): readonly string[] {
  if (!isMap(found)) return [path];
  const lost = wordsOf(wanted).filter((word) => !wordsOf(found).includes(word));
  const properties = Object.entries((wanted["properties"] ?? {}) as Record<string, Schema>);
  const inner = isMap(found["properties"]) ? found["properties"] : {};
  return [
    ...lost.map((word) => `${path}=${word}`),
    ...properties.flatMap(([name, child]) =>
      missingIn(inner[name], child, path === "" ? name : `${path}.${name}`),
    ),
    ...(["items", "additionalProperties"] as const).flatMap((key) =>
      wanted[key] === undefined ? [] : missingIn(found[key], wanted[key] as Schema, `${path}[]`),
    ),
  ];
}

function wordsOf(schema: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(schema["enum"]) ? schema["enum"] : [];
}
