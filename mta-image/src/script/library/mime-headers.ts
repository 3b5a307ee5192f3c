/** Header fields of a part, for MIMEPart and MailMessage. Numbers of fields count from the top, from 0, within a name. */
import { truthy } from "../convert.ts";
import { type Arguments, type HostFunction, type Parameter, optional, parameter } from "../host.ts";
import {
  dropFields,
  fieldsOf,
  firstValue,
  makeField,
  prependField,
  putField,
  renameFields,
} from "../mail/edit.ts";
import { type Field, type Part, fieldValue } from "../mail/part.ts";
import { parameterOf, readableText } from "../mail/words.ts";
import type { HslArray, Value } from "../value.ts";
import { flag, list, option } from "./subjects.ts";

const { string, array } = parameter;
const name = string("name");
const options = optional(array("options"));

type Method = <const P extends readonly Parameter<unknown>[]>(
  name: string,
  parameters: P,
  about: { readonly returns: string; readonly docs: string },
  run: (part: Part, args: Arguments<P>) => Value,
) => HostFunction;

const READ =
  "It is UTF-8, with encoded words decoded, unless option `decode` is false; `field` gives the whole field as it stands.";

/** The field asked for: all of it, or its value. */
function shown(part: Part, field: Field, given: HslArray | undefined): string {
  if (flag(given, "field")) return field.raw;
  const value = fieldValue(field);
  if (!flag(given, "decode", true)) return value;
  return readableText(value, () => parameterOf(firstValue(part, "content-type") ?? "", "charset"));
}

function indexOf(given: HslArray | undefined): number | null {
  const index = option(given, "index");
  return typeof index === "number" ? Math.trunc(index) : null;
}

function written(field: string, value: string, given: HslArray | undefined): Field {
  const encode = option(given, "encode");
  return makeField(field, value, encode === null || truthy(encode));
}

export function headerMethods(method: Method): readonly HostFunction[] {
  return [
    method(
      "getHeader",
      [name, options],
      { returns: "string or none", docs: `The value of the first field, or of number \`index\`. ${READ}` },
      (part, [wanted, given]) => {
        const field = fieldsOf(part, wanted)[indexOf(given) ?? 0];
        return field === undefined ? null : shown(part, field, given);
      },
    ),
    method(
      "getHeaders",
      [name, options],
      { returns: "array of string", docs: `The values of all fields of the name. ${READ}` },
      (part, [wanted, given]) => list(fieldsOf(part, wanted).map((field) => shown(part, field, given))),
    ),
    method(
      "getHeaderNames",
      [],
      { returns: "array of string", docs: "The names of all fields in order, in lower case." },
      (part) => list(part.fields.map((field) => field.name).filter((one) => one !== "")),
    ),
    method(
      "addHeader",
      [name, string("value"), options],
      {
        returns: "none",
        docs: "Adds a field on top. What is not ASCII is encoded, unless option `encode` is false.",
      },
      (part, [wanted, value, given]) => {
        prependField(part, written(wanted, value, given));
        return null;
      },
    ),
    method(
      "setHeader",
      [name, string("value"), options],
      {
        returns: "number",
        docs: "Replaces the first field, or number `index`, or adds one at the end; says how many were replaced. Option `encode` as for addHeader.",
      },
      (part, [wanted, value, given]) => putField(part, written(wanted, value, given), indexOf(given) ?? 0),
    ),
    method(
      "delHeader",
      [name, options],
      { returns: "number", docs: "Removes all fields of the name, or number `index`; says how many." },
      (part, [wanted, given]) => dropFields(part, wanted, indexOf(given)),
    ),
    method(
      "renameHeader",
      [name, string("newname")],
      { returns: "number", docs: "Renames all fields of the name; says how many." },
      (part, [wanted, to]) => renameFields(part, wanted, to),
    ),
  ];
}
