/**
 * CSV to rows. With a header a row is an array by column, otherwise a list; a schema gives types (schema.ts). Throws a
 * Refusal with line, column and reason.
 */
import { parse } from "csv-parse/sync";

import { BudgetError, Refusal } from "../error.ts";
import { type Value, HslArray } from "../value.ts";
import { toText, truthy } from "../convert.ts";
import { meter } from "../meter.ts";
import type { Schema } from "./schema.ts";

interface Row {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

export function decodeCsv(bytes: string, options: HslArray | undefined, schema: Schema | null): HslArray {
  meter.allocate(bytes.length * 4);
  const rows = readRows(fromBytes(bytes), toText(options?.get("delimiter") ?? ","));
  const hasHeader = options?.get("header") ?? null;
  const header = (hasHeader === null ? true : truthy(hasHeader))
    ? (rows.shift()?.record ?? []).map(toBytes)
    : null;
  if (schema !== null)
    return schema.apply(
      header,
      rows.map(({ record, info }) => ({ fields: record.map(toBytes), line: lineOf(record, info.lines) })),
    );
  return HslArray.of(rows.map(({ record }) => asArray(header, record.map(toBytes))));
}

/** Where a row begins: its values may have lines of their own. */
function lineOf(record: readonly string[], end: number): number {
  return end - record.reduce((breaks, text) => breaks + text.split("\n").length - 1, 0);
}

/** While they are read: a byte takes half a microsecond. */
const STEPS_A_ROW = 500;
const STEPS_A_FIELD = 100;

/** Of a field under its column's name, which a row has for each column, however short it is itself. */
const FIELD_BYTES = 64;

function asArray(header: readonly string[] | null, fields: readonly Value[]): HslArray {
  if (header === null) return HslArray.of([...fields]);
  meter.allocate(header.length * FIELD_BYTES);
  return HslArray.from(header.map((name, at) => [name, fields[at] ?? ""] as const));
}

function readRows(text: string, delimiter: string): Row[] {
  try {
    return parse(text, {
      bom: true,
      delimiter,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: 1 << 20,
      // With `info` it is a row rather than its fields.
      on_record: (row) => {
        meter.charge(STEPS_A_ROW + (row as unknown as Row).record.length * STEPS_A_FIELD);
        return row;
      },
    }) as unknown as Row[];
  } catch (error) {
    if (error instanceof BudgetError) throw error;
    const { message, lines, column } = error as Error & { lines?: number; column?: number | string };
    throw new Refusal(
      `line ${lines ?? "?"}, column ${typeof column === "number" ? column + 1 : (column ?? "?")}: ${toBytes(message)}`,
    );
  }
}

function fromBytes(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

function toBytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
