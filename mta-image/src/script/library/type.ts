/** Types: what a value is and what it is as another type. */
import { type Value, HostObject, HslArray, HslFunction, Instance } from "../value.ts";
import { toNumber, toText, truthy } from "../convert.ts";
import { type HostFunction, declare, parameter } from "../host.ts";
import { list } from "./subjects.ts";

const value = parameter.any("value");
const asks = (name: string, what: string, is: (value: Value) => boolean): HostFunction =>
  declare({
    name,
    parameters: [value],
    returns: "boolean",
    docs: `Whether the value is ${what}.`,
    reads: false,
    run: (_, item) => is(item),
  });

export const typeFunctions: readonly HostFunction[] = [
  declare({
    name: "length",
    reads: false,
    parameters: [value],
    returns: "number or none",
    docs: "Items of an array, bytes of a text, none for others.",
    run: (_, item) => (typeof item === "string" ? item.length : item instanceof HslArray ? item.size : null),
  }),
  declare({
    name: "array",
    reads: false,
    parameters: [parameter.rest("args")],
    returns: "array",
    docs: "An array of the arguments.",
    keeps: true,
    run: (_, items) => list(items),
  }),
  declare({
    name: "boolean",
    reads: false,
    parameters: [value],
    returns: "boolean",
    docs: "Whether the value counts as true.",
    run: (_, item) => truthy(item),
  }),
  declare({
    name: "number",
    parameters: [value],
    returns: "number",
    docs: "The number that the value is: decimal, 0x, 0o and 0b texts are read, anything else is 0.",
    run: (_, item) => toNumber(item),
  }),
  declare({
    name: "string",
    reads: false,
    parameters: [value],
    returns: "string",
    docs: "The value as text; none is empty.",
    run: (_, item) => toText(item),
  }),
  asks("is_array", "an array", (item) => item instanceof HslArray),
  asks("is_boolean", "true or false", (item) => typeof item === "boolean"),
  asks("is_function", "a function", (item) => item instanceof HslFunction),
  asks("is_number", "a number", (item) => typeof item === "number"),
  asks("is_object", "an object", (item) => item instanceof Instance || item instanceof HostObject),
  asks("is_string", "a text", (item) => typeof item === "string"),
];
