/** Each type, format and constraint of a Table Schema: what a text becomes, or why its row is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Refusal } from "../error.ts";
import { echoText } from "../convert.ts";
import { fromPlain } from "../library/json.ts";
import { HslArray } from "../value.ts";
import { decodeCsv } from "./csv.ts";
import { Schema } from "./schema.ts";

/** Rows of one column x, as echo prints them, or what is wrong. */
function decoded(schema: object, csv: string, options?: HslArray): string {
  try {
    return echoText(decodeCsv(bytes(csv), options, new Schema(fromPlain(schema))));
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return error.message;
  }
}

function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** What one text becomes; "✗" for a row that is refused. */
function becomes(field: object, text: string): string {
  const quoted = `"${text.replaceAll('"', '""')}"`;
  const said = decoded({ fields: [{ name: "x", ...field }] }, `x\n${quoted}\n`);
  return said.startsWith("line 2, column x: ") ? "✗" : said.replace(/^\[0=>\["x"=>(.*)\]\]$/s, "$1");
}

const cases: readonly (readonly [field: object, values: Readonly<Record<string, string>>])[] = [
  [{}, { a: '"a"' }],
  [{ type: "text" }, { a: '"a"' }],
  [{ type: "any" }, { a: '"a"' }],
  [{ format: "email" }, { "a@b.c": '"a@b.c"', "a b@c": "✗", a: "✗" }],
  [{ format: "uri" }, { "https://x/y": '"https://x/y"', "x y": "✗", "1:2": "✗" }],
  [
    { format: "uuid" },
    { "0f0f0f0f-0000-4000-8000-00000000000A": '"0f0f0f0f-0000-4000-8000-00000000000A"', "0f": "✗" },
  ],
  [{ format: "binary" }, { "aGk=": '"aGk="', aGk: "✗", "a!==": "✗" }],
  [
    { type: "number" },
    {
      "1.50": "1.5",
      "-2e3": "-2000",
      ".5": "0.5",
      INF: "inf",
      "-INF": "-inf",
      NaN: "nan",
      "1,5": "✗",
      "0x10": "✗",
      x: "✗",
    },
  ],
  [{ type: "number", decimalChar: ",", groupChar: "." }, { "1.234,5": "1234.5" }],
  [
    { type: "number", decimalChar: "," },
    { "1,5": "1.5", "1.5": "✗", "1,5,5": "✗" },
  ],
  [
    { type: "number", bareNumber: false },
    { "€ 95.5 %": "95.5", "-5%": "-5", "%": "✗" },
  ],
  [{ type: "integer" }, { "12": "12", "+3": "3", "1.0": "✗", "1e3": "✗", INF: "✗" }],
  [{ type: "integer", bareNumber: false, groupChar: " " }, { "1 000 kr": "1000" }],
  [{ type: "boolean" }, { true: "true", "0": "false", yes: "✗" }],
  [
    { type: "boolean", trueValues: ["ja"], falseValues: ["nein"] },
    { ja: "true", nein: "false", true: "✗" },
  ],
  [{ type: "checkbox" }, { true: "true", "1": "true", x: "✗" }],
  [{ type: "array" }, { "a, b": '[0=>"a",1=>"b"]', "[1,[2]]": "[0=>1,1=>[0=>2]]", "[1": "✗" }],
  [{ type: "array", delimiter: ";" }, { "a;b,c": '[0=>"a",1=>"b,c"]' }],
  [
    { type: "list", itemType: "integer", delimiter: "|" },
    { "1|2": "[0=>1,1=>2]", "1|x": "✗" },
  ],
  [{ type: "object" }, { '{"a":1}': '["a"=>1]', "[1]": "✗", "{": "✗" }],
  [{ type: "geojson" }, { '{"type":"Point"}': '["type"=>"Point"]', "{}": "✗" }],
  [
    { type: "geopoint" },
    { "18.06, 59.33": "[0=>18.06,1=>59.33]", "18": "✗", "1,2,3": "✗", "200,0": "✗", "a,b": "✗" },
  ],
  [
    { type: "geopoint", format: "array" },
    { "[18,59]": "[0=>18,1=>59]", '["18",59]': "✗" },
  ],
  [
    { type: "geopoint", format: "object" },
    { '{"lon":18,"lat":59}': "[0=>18,1=>59]", '{"lon":18}': "✗" },
  ],
  [
    { type: "date" },
    { "2024-02-29": '"2024-02-29"', "2023-02-29": "✗", "2024-2-1": "✗", "2024-13-01": "✗", "1 May": "✗" },
  ],
  [
    { type: "date", format: "any" },
    { "1 May 2024": '"1 May 2024"', "1 Xyz": "✗" },
  ],
  [
    { type: "date", format: "%d/%m/%Y" },
    { "31/12/2024": '"31/12/2024"', "2024-12-31": "✗" },
  ],
  [{ type: "time" }, { "23:59:59": '"23:59:59"', "24:00:00": "✗", "1:2:3": "✗" }],
  [
    { type: "time", format: "%H:%M" },
    { "07:30": '"07:30"', "7h": "✗" },
  ],
  [
    { type: "datetime" },
    {
      "2024-02-29T23:00:00Z": '"2024-02-29T23:00:00Z"',
      "2024-02-29T23:00:00.5+01:00": '"2024-02-29T23:00:00.5+01:00"',
      "x 1": "✗",
      "2023-02-29T00:00:00Z": "✗",
    },
  ],
  [{ type: "year" }, { "2024": "2024", "24": "✗" }],
  [{ type: "yearmonth" }, { "2024-12": '"2024-12"', "2024-13": "✗" }],
  [{ type: "duration" }, { P1Y2M3DT4H5M6S: '"P1Y2M3DT4H5M6S"', PT1H: '"PT1H"', P: "✗", PT: "✗", "1h": "✗" }],
  [{ constraints: { required: true } }, { "": "✗", a: '"a"' }],
  [{}, { "": "none" }],
  [{ constraints: { enum: ["a", "b"] } }, { a: '"a"', c: "✗" }],
  [
    { type: "number", constraints: { enum: [1, 2.5] } },
    { "2.50": "2.5", "3": "✗" },
  ],
  [{ constraints: { pattern: "å.c" } }, { åäc: bytes('"åäc"'), "åäc\n": "✗", åäcd: "✗" }],
  [{ constraints: { minLength: 2, maxLength: 3 } }, { åä: bytes('"åä"'), å: "✗", åäöå: "✗" }],
  [
    { type: "array", constraints: { minLength: 2 } },
    { "a,b": '[0=>"a",1=>"b"]', abc: "✗" },
  ],
  [
    { type: "number", constraints: { minimum: 1, maximum: "2.5" } },
    { "1": "1", "0.9": "✗", "2.6": "✗" },
  ],
  [
    { type: "date", constraints: { minimum: "2024-01-01", maximum: "2024-12-31" } },
    { "2024-05-01": '"2024-05-01"', "2023-12-31": "✗", "2025-01-01": "✗" },
  ],
  [
    { type: "date", format: "%d.%m.%Y", constraints: { minimum: "01.02.2024" } },
    { "02.02.2024": '"02.02.2024"', "31.01.2024": "✗" },
  ],
  [
    { type: "datetime", constraints: { maximum: "2024-01-01T12:00:00Z" } },
    { "2024-01-01T12:30:00+01:00": '"2024-01-01T12:30:00+01:00"', "2024-01-01T11:30:00-01:00": "✗" },
  ],
  [
    { type: "time", constraints: { minimum: "08:00:00" } },
    { "08:00:01": '"08:00:01"', "07:59:59": "✗" },
  ],
  [
    { type: "yearmonth", constraints: { maximum: "2024-06" } },
    { "2024-05": '"2024-05"', "2024-07": "✗" },
  ],
];

for (const [field, values] of cases)
  test(`a field ${JSON.stringify(field)} takes what it should, and nothing else`, () => {
    const found = Object.fromEntries(Object.keys(values).map((text) => [text, becomes(field, text)]));
    assert.deepEqual(found, values);
  });

const refused: readonly (readonly [schema: object, csv: string, why: string])[] = [
  [{ fields: [{ name: "x", type: "colour" }] }, "x\n", "field x has the type colour, which is none"],
  [
    { fields: [{ name: "x", type: "year", format: "any" }] },
    "x\n",
    "field x has the format any, which is none of year",
  ],
  [
    { fields: [{ name: "x", constraints: { requird: true } }] },
    "x\n",
    "field x has the constraint requird, which is none",
  ],
  [
    { fields: [{ name: "x", constraints: { minimum: 1 } }] },
    "x\n",
    "values of field x have no order: no minimum and no maximum",
  ],
  [
    { fields: [{ name: "x", type: "date", constraints: { minimum: "soon" } }] },
    "x\n",
    "soon cannot bound field x",
  ],
  [{ fields: [{ name: "x", constraints: { enum: "a" } }] }, "x\n", "the enum of field x is a list"],
  [{ fields: [{ name: "x", constraints: { minLength: "a" } }] }, "x\n", "a length of field x is a number"],
  [{ fields: [{ type: "string" }] }, "x\n", "a field of a schema wants a name"],
  [{ fields: ["x"] }, "x\n", "a field of a schema is an array with a name"],
  [{ fields: [] }, "x\n", "a schema wants a list of fields"],
  [{ fields: [{ name: "x" }], primaryKey: "y" }, "x\n", "primaryKey names y, which is no field"],
  [{ fields: [{ name: "x" }] }, "y\n1\n", "line 1: column x is missing"],
  [{ fields: [{ name: "x" }] }, "x,x\n1,2\n", "line 1: column x is there twice"],
  [{ fields: [{ name: "x" }] }, "x\n1\n1,2\n", "line 3, column 2: there are only 1 columns"],
  [{ fields: [{ name: "x", type: "number" }] }, 'x\n\n1\n"a\nb"\n', 'line 4, column x: "a\\nb" is no number'],
  [
    { fields: [{ name: "x", type: "number", constraints: { unique: true } }] },
    "x\n1\n1.0\n",
    'line 3, column x: "1.0" is there twice',
  ],
  [{ fields: [{ name: "x" }], primaryKey: "x" }, "x,y\n,1\n", "line 2, column x: a value is required"],
  [
    { fields: [{ name: "x" }, { name: "y" }], primaryKey: ["x", "y"] },
    "x,y\n1,1\n1,2\n1,1\n",
    "line 4, column x, y: the key 1, 1 is there twice",
  ],
];

for (const [schema, csv, why] of refused)
  test(`${JSON.stringify(csv)} is refused: ${why}`, () => assert.equal(decoded(schema, csv), why));

test("missing values, without a header, and in any order of columns", () => {
  const fields = [{ name: "n", type: "number" }, { name: "s" }];
  assert.equal(
    decoded({ fields, missingValues: ["-", ""] }, "s,n\n-,1\na,-\n"),
    '[0=>["n"=>1,"s"=>none],1=>["n"=>none,"s"=>"a"]]',
  );
  const bare = HslArray.from([["header", false]]);
  assert.equal(decoded({ fields }, "1,a\n2\n", bare), '[0=>["n"=>1,"s"=>"a"],1=>["n"=>2,"s"=>none]]');
});

test("a schema may have more patterns than are kept compiled", () => {
  const names = Array.from({ length: 1_100 }, (_, at) => `c${at}`);
  const fields = names.map((name) => ({ name, constraints: { pattern: `${name}|none` } }));
  const rows = [names, names, names.map((name, at) => (at === 7 ? "c" : name))];
  assert.equal(
    decoded({ fields }, rows.map((row) => `${row.join(",")}\n`).join("")),
    'line 3, column c7: "c" does not match c7|none',
  );
});
