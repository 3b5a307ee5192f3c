/**
 * Dates, numbers and characters as people write them, out of a fixed seed: what is written comes back, what is none is refused, and
 * bytes that are no UTF-8 are a value or something that a script can catch, in every function of the library. SCRIPT_FUZZ_SEED looks elsewhere.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { quietWorld } from "../../testing/quiet-world.ts";
import { decodeCsv } from "./data/csv.ts";
import { Schema } from "./data/schema.ts";
import { Refusal } from "./error.ts";
import { makeHost, mergeHosts } from "./host.ts";
import { fromPlain } from "./library/json.ts";
import { libraryHost } from "./library/library.ts";
import { type Limits, defaultLimits } from "./limits.ts";
import { compile, run } from "./machine.ts";
import { noFiles } from "./module.ts";
import { HslArray, type Value } from "./value.ts";

const seed = Number(process.env["SCRIPT_FUZZ_SEED"] ?? 6);
const names = ["a", "b", "c", "d", "e", "f"];
const host = mergeHosts(libraryHost, makeHost([], [], names));
const world = quietWorld();

function holds<T>(value: fc.Arbitrary<T>, check: (value: T) => void | Promise<void>, numRuns = 200) {
  return fc.assert(
    fc.asyncProperty(value, async (given) => check(given)),
    { numRuns, seed },
  );
}

/** What a field of the type makes of a text; undefined for what it refuses. */
function read(field: object, text: string): Value | undefined {
  const schema = new Schema(fromPlain({ fields: [{ name: "x", ...field }] }));
  try {
    const rows = decodeCsv(`x\n"${text.replaceAll('"', '""')}"\n`, undefined, schema);
    return (rows.get(0) as HslArray).get("x");
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return undefined;
  }
}

const two = (value: number): string => String(value).padStart(2, "0");
const day = fc.record({ year: fc.nat(9999), month: fc.nat(14), date: fc.nat(34) });

test("a date of a schema is a day that the calendar has, in ISO 8601 or by a format", async () => {
  await holds(day, ({ year, month, date }) => {
    const time = new Date(0);
    time.setUTCFullYear(year, month - 1, date);
    const isDay = time.getUTCMonth() === month - 1 && time.getUTCDate() === date;
    const text = `${String(year).padStart(4, "0")}-${two(month)}-${two(date)}`;
    assert.equal(read({ type: "date" }, text), isDay ? text : undefined, text);
    const german = `${two(date)}.${two(month)}.${year}`;
    const wanted = month >= 1 && month <= 12 ? german : undefined;
    assert.equal(read({ type: "date", format: "%d.%m.%Y" }, german), wanted, german);
  });
});

test("moments of a schema are compared by what they are, whatever their offset", async () => {
  const moment = fc.record({ ms: fc.integer({ min: 0, max: 4_000_000_000_000 }), minutes: fc.nat(14 * 60) });
  await holds(fc.tuple(moment, fc.integer({ min: -5_000, max: 5_000 })), ([{ ms, minutes }, apart]) => {
    const local = new Date(ms + minutes * 60_000).toISOString().slice(0, -1);
    const text = `${local}+${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
    const bound = new Date(ms + apart).toISOString();
    const found = read({ type: "datetime", constraints: { minimum: bound } }, text);
    assert.equal(found, apart > 0 ? undefined : text, `${text} from ${bound}`);
  });
});

test("numbers of a schema come back from groups and decimal signs", async () => {
  const signs = fc.constantFrom([",", "."], [".", ","], [" ", ","], ["'", "."], ["", "."]);
  await holds(
    fc.tuple(fc.integer(), fc.nat(999), signs),
    async ([whole, thousandths, [group = "", point = ""]]) => {
      const digits = String(Math.abs(whole)).replace(/\B(?=(\d{3})+$)/g, group);
      const text = `${whole < 0 ? "-" : ""}${digits}${point}${String(thousandths).padStart(3, "0")}`;
      const options = { type: "number", decimalChar: point, ...(group === "" ? {} : { groupChar: group }) };
      const plain = `${whole}.${String(thousandths).padStart(3, "0")}`;
      assert.equal(read(options, text), Number(plain), text);
      assert.equal(read({ ...options, bareNumber: false }, `€ ${text} net`), Number(plain), text);
    },
  );
});

test("any text is a number of a schema exactly when all of it is written like one", async () => {
  const pieces = fc.constantFrom("0", "1", "9", ".", "-", "+", "e", "E", "x", " ", "_", "inf");
  const said = /^[-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][-+]?[0-9]+)?$/;
  await holds(fc.array(pieces, { minLength: 1, maxLength: 8 }), (all) => {
    const text = all.join("");
    assert.equal(read({ type: "number" }, text), said.test(text) ? Number(text) : undefined, text);
  });
});

/** The value of an expression over $a and $b; what goes wrong in it fails the test. */
function script(expression: string): (a: Value, b?: Value) => Promise<Value> {
  const program = compile("formats", `return ${expression};`, host, noFiles);
  return async (a, b = null) => {
    const { value, error } = await run(program, { world, variables: { a, b } });
    assert.equal(error, null, `${expression}: ${error?.describe() ?? ""}`);
    return value;
  };
}

test("whole numbers come back from every base that a format writes", async () => {
  const go = script(
    '[number("%d" % [$a]), number("0x%x" % [$a]), number("0x%X" % [$a]), number("0b%b" % [$a])]',
  );
  await holds(fc.maxSafeNat(), async (whole) => {
    assert.deepEqual(((await go(whole)) as HslArray).values(), [whole, whole, whole, whole]);
  });
});

test("decimals are those of JavaScript, and as near as half of the last one", async () => {
  const go = script('("%." . $b . "f") % [$a]');
  const pair = fc.tuple(fc.double({ min: -1e15, max: 1e15, noNaN: true }), fc.nat(20));
  await holds(pair, async ([value, digits]) => {
    const text = (await go(value, digits)) as string;
    assert.equal(text, value.toFixed(digits));
    assert.ok(Math.abs(Number(text) - value) <= 0.5 * 10 ** -digits + Math.abs(value) * Number.EPSILON);
  });
});

/** UTF-8 that is cut, mixed with other bytes, written with too many bytes, or with half of a pair. */
const broken = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 6 }).map((all) => Buffer.from(all)),
      fc.uint8Array({ maxLength: 4 }).map((data) => Buffer.from(data)),
      fc
        .constantFrom(
          "\xc0\xaf",
          "\xed\xa0\x80",
          "\xf4\x90\x80\x80",
          "\xe2\x82",
          "\xef\xbb\xbf",
          "\0",
          "=?utf-8?q?=C3?=",
          "%C3",
        )
        .map((all) => Buffer.from(all, "latin1")),
    ),
    { maxLength: 5 },
  )
  .map((parts) => Buffer.concat(parts).toString("latin1"));

const argument: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: broken },
  { weight: 2, arbitrary: fc.oneof(fc.integer({ min: -300, max: 300 }), fc.double(), fc.boolean()) },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 2, arbitrary: fc.array(broken, { maxLength: 3 }).map((all) => HslArray.of(all)) },
  {
    weight: 1,
    arbitrary: fc.dictionary(broken, broken, { maxKeys: 3 }).map((all) => HslArray.from(Object.entries(all))),
  },
);

/** Nothing outside is there: functions that wait for something are cut off. */
const limits: Limits = { ...defaultLimits, steps: 2_000_000, wallMs: 20, bytes: 1 << 26 };

test("bytes that are no UTF-8 are a value or caught, in every function of the library", {
  timeout: 300_000,
}, async () => {
  for (const { name, least, most } of libraryHost.functions.values()) {
    const counts = [
      ...new Set([least, Math.min(most, least + 1, names.length), Math.min(most, names.length)]),
    ];
    const programs = counts.map((count) => {
      const given = names.slice(0, count).map((one) => `$${one}`);
      return compile(name, `${name}(${given.join(",")});`, host, noFiles);
    });
    await holds(
      fc.array(argument, { minLength: names.length, maxLength: names.length }),
      async (all) => {
        const variables = Object.fromEntries(names.map((one, at) => [one, all[at] ?? null]));
        for (const program of programs) {
          const { error } = await run(program, { world, variables, limits });
          assert.notEqual(error?.kind, "bug", `${name}: ${error?.describe() ?? ""}`);
        }
      },
      12,
    );
  }
});
