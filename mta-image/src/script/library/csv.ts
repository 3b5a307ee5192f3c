/** CSV to rows and back; reading is done by data/csv.ts. */
import { Refusal } from "../error.ts";
import { type Value, HslArray } from "../value.ts";
import { toText, truthy } from "../convert.ts";
import { decodeCsv } from "../data/csv.ts";
import { Schema } from "../data/schema.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { meter } from "../meter.ts";
import { list, option } from "./subjects.ts";

/** A row may stand in the array a thousand times. */
const FIELD_BYTES = 32;

function encodeField(value: Value, delimiter: string): string {
  const text = toText(value);
  meter.allocate(text.length + FIELD_BYTES);
  return /["\s]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One text a row, without line ends; for a row alone its text. */
function encodeCsv(rows: HslArray, options: HslArray | undefined): Value {
  const delimiter = toText(option(options, "delimiter") ?? ",");
  const line = (fields: readonly Value[]): string =>
    fields.map((field) => encodeField(field, delimiter)).join(delimiter);
  const first = rows.values()[0];
  if (rows.values().every((row) => !(row instanceof HslArray))) return line(rows.values());
  const lines = rows.values().map((row) => line(row instanceof HslArray ? row.values() : [row]));
  if (truthy(option(options, "header")) && first instanceof HslArray) lines.unshift(line(first.keys()));
  return list(lines);
}

export const csvFunctions: readonly HostFunction[] = [
  declare({
    name: "csv_encode",
    parameters: [parameter.array("values"), optional(parameter.array("options"))],
    returns: "array or string",
    docs: "A line of CSV for each row, or the line of a row of texts. Options: delimiter; header (boolean): the first line has the keys of the first row.",
    run: (_, rows, options) => encodeCsv(rows, options),
  }),
  declare({
    name: "csv_decode",
    parameters: [parameter.string("string"), optional(parameter.array("options"))],
    returns: "array or none",
    docs: "The rows of a CSV text, none when it is wrong. Options: header (boolean, true unless given), delimiter, schema (a Table Schema as array).",
    run: (_, text, options) => {
      const described = option(options, "schema");
      const schema = described === null ? null : new Schema(described);
      try {
        return decodeCsv(text, options, schema);
      } catch (error) {
        if (error instanceof Refusal) return null;
        throw error;
      }
    },
  }),
];
