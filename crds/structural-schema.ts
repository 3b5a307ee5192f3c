/**
 * From zod to the structural schema that a CustomResourceDefinition takes (pure). zod's OpenAPI output is nearly
 * one; what differs is put right here: no additionalProperties beside properties, no branches with types, integers
 * with a format in place of the bounds of a JavaScript number, defaults told in the description only.
 * Throws when something is left that the API server would refuse, which means a mistake in a schema.
 */
import { z } from "zod";

import { INT_OR_STRING, PRESERVE } from "./values.ts";

export type Schema = { [key: string]: unknown };

export function structuralSchema(source: z.ZodType): Schema {
  return convert(
    z.toJSONSchema(source, { target: "openapi-3.0", io: "input", unrepresentable: "throw" }),
    "",
  );
}

const keywords = new Set([
  "type",
  "format",
  "description",
  "properties",
  "required",
  "items",
  "enum",
  "pattern",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "maxProperties",
  "additionalProperties",
]);

function convert(source: Schema, path: string): Schema {
  const result: Schema = {};
  for (const [key, value] of Object.entries(source)) {
    if (value === undefined || dropped.has(key)) continue;
    if (!keywords.has(key) && !key.startsWith("x-kubernetes-") && key !== "anyOf")
      throw new Error(`crd schema: ${path} uses ${key}`);
    result[key] = value;
  }
  describeDefault(source, result);
  if (source[INT_OR_STRING] === true) return intOrString(result);
  if (result["anyOf"] !== undefined) throw new Error(`crd schema: ${path} is a union`);
  if (source[PRESERVE] === true) return { ...without(result, "additionalProperties"), type: "object" };
  if (result["type"] === "integer") return integer(result);
  if (result["type"] === "object") return object(result, path);
  if (result["type"] === "array")
    return { ...result, items: convert(result["items"] as Schema, `${path}[]`) };
  return result;
}

/** Said by zod for its own sake; propertyNames and bounds of keys are no part of a structural schema. */
const dropped = new Set(["$schema", "default", "propertyNames"]);

function describeDefault(source: Schema, result: Schema): void {
  const value = source["default"];
  if (value === undefined || isEmpty(value)) return;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  result["description"] = `${result["description"] ?? ""} Default: ${text}.`.trim();
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** The pattern holds for the string form; CEL and the API server look at it for strings only. */
function intOrString(schema: Schema): Schema {
  return without(schema, "anyOf", "type");
}

function integer(schema: Schema): Schema {
  const { minimum, maximum } = schema;
  const isWide = maximum === Number.MAX_SAFE_INTEGER || maximum === undefined;
  return {
    ...without(schema, "minimum", "maximum"),
    format: isWide ? "int64" : "int32",
    ...(minimum === Number.MIN_SAFE_INTEGER || minimum === undefined ? {} : { minimum }),
    ...(isWide ? {} : { maximum }),
  };
}

function object(schema: Schema, path: string): Schema {
  const { properties, additionalProperties } = schema;
  if (properties === undefined) {
    if (typeof additionalProperties !== "object")
      throw new Error(`crd schema: ${path} is an object of nothing`);
    return { ...schema, additionalProperties: convert(additionalProperties as Schema, `${path}{}`) };
  }
  const converted = Object.entries(properties as Record<string, Schema>).map(
    ([name, property]) => [name, convert(property, `${path}.${name}`)] as const,
  );
  return { ...without(schema, "additionalProperties"), properties: Object.fromEntries(converted) };
}

function without(schema: Schema, ...keys: readonly string[]): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key)));
}
