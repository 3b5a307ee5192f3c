/**
 * Pairs of functions that undo each other, and functions that others know too, over values out of a fixed seed;
 * SCRIPT_FUZZ_SEED looks elsewhere. fast-check prints the seed and the smallest value that fails.
 */
import assert from "node:assert/strict";
import { createCipheriv, createHmac } from "node:crypto";
import { test } from "node:test";

import fc from "fast-check";

import { quietWorld } from "../../testing/quiet-world.ts";
import { makeHost, mergeHosts } from "./host.ts";
import { libraryHost } from "./library/library.ts";
import { compile, run } from "./machine.ts";
import { noFiles } from "./module.ts";
import { HslArray, type Value } from "./value.ts";

const seed = Number(process.env["SCRIPT_FUZZ_SEED"] ?? 6);
const host = mergeHosts(libraryHost, makeHost([], [], ["a", "b", "c"]));
const world = quietWorld();

/** The expression over $a, $b and $c as a function; what goes wrong in it fails the test. */
function script(expression: string): (a: Value, b?: Value, c?: Value) => Promise<Value> {
  const program = compile("pairs", `return ${expression};`, host, noFiles);
  return async (a, b = null, c = null) => {
    const { value, error } = await run(program, { world, variables: { a, b, c } });
    assert.equal(error, null, `${expression}: ${error?.describe() ?? ""}`);
    return value;
  };
}

const bytes = fc.uint8Array({ maxLength: 80 }).map((data) => Buffer.from(data).toString("latin1"));
/** UTF-8 as scripts have it, often broken off or with a byte too many. */
const text = fc
  .tuple(fc.string({ unit: "grapheme", maxLength: 30 }), fc.option(bytes), fc.nat(40))
  .map(([all, more, cut]) => {
    const whole = Buffer.from(all).toString("latin1");
    return more === null ? whole : whole.slice(0, cut) + more.slice(0, 3);
  });
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, 1e21, -1e21, 5e-324, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY),
);

function holds<T>(value: fc.Arbitrary<T>, check: (value: T) => Promise<void>, numRuns = 150): Promise<void> {
  return fc.assert(fc.asyncProperty(value, check), { numRuns, seed });
}

for (const pair of [
  "base64_decode(base64_encode($a))",
  "base64url_decode(base64url_encode($a))",
  "base32_decode(base32_encode($a))",
  "url_decode(url_encode($a))",
  "xtext_decode(xtext_encode($a))",
  "zlib_uncompress(zlib_compress($a, 9, 31), 31)",
  'unpack("H*", pack("H*", unpack("H*", $a)[0]))[0] == unpack("H*", $a)[0] ? $a : none',
  'pack("C*", ...unpack("C*", $a))',
  'unpack("a*", pack("a*", $a))[0]',
  'pcre_match("^(?s)" . pcre_quote($a) . "\\\\z", $a)[0]',
  "array_join(str_chunk($a, 3))",
  'array_join(str_split($a, ""))',
  "array_join(str_split($a, $a[0:1]), $a[0:1])",
  "$a[::-1][::-1]",
  'aes_decrypt(aes_encrypt($a, "0123456789abcdef", "cbc", ["iv" => "0123456789abcdef"]), "0123456789abcdef", "cbc", ["iv" => "0123456789abcdef"])',
])
  test(`${pair} is $a, whatever bytes that is`, async () => {
    const go = script(pair);
    await holds(bytes, async (given) => assert.equal(await go(given), given));
  });

test("encoded text is what others make of it", async () => {
  const all = script(
    '[base64_encode($a), base32_encode($a), url_encode($a), xtext_encode($a), str_lower($a), str_upper($a), hmac_sha2($b, $a, 256), aes_encrypt($a, "0123456789abcdef", "ctr", ["iv" => "0123456789abcdef"])]',
  );
  const iv = Buffer.from("0123456789abcdef");
  const hex = (code: number): string => code.toString(16).toUpperCase().padStart(2, "0");
  await holds(fc.tuple(bytes, bytes), async ([given, key]) => {
    const data = Buffer.from(given, "latin1");
    const cipher = createCipheriv("aes-128-ctr", iv, iv);
    const bits = [...data].map((byte) => byte.toString(2).padStart(8, "0")).join("");
    const groups = (bits.match(/.{1,5}/g) ?? []).map((five) => Number.parseInt(five.padEnd(5, "0"), 2));
    const base32 = groups.map((five) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[five]).join("");
    const found = (await all(given, key)) as HslArray;
    assert.deepEqual(found.values(), [
      data.toString("base64"),
      base32.padEnd(Math.ceil(base32.length / 8) * 8, "="),
      [...data]
        .map((byte) =>
          /[\w.~-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${hex(byte)}`,
        )
        .join(""),
      [...data]
        .map((byte) =>
          byte > 0x20 && byte < 0x7f && byte !== 0x2b && byte !== 0x3d
            ? String.fromCharCode(byte)
            : `+${hex(byte)}`,
        )
        .join(""),
      given.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
      given.replace(/[a-z]/g, (letter) => letter.toUpperCase()),
      createHmac("sha256", Buffer.from(key, "latin1")).update(data).digest("hex"),
      Buffer.concat([cipher.update(data), cipher.final()]).toString("latin1"),
    ]);
  });
});

test("text of characters that is cut or broken is read as bytes or refused, and what is whole comes back", async () => {
  const go = script(
    '[json_decode(json_encode([$a]) . "")[0] ?? none, mimeword_decode(mimeword_encode($a)), header_addresslist_extract(header_addresslist_compile([["name" => $a, "address" => "a@b"]]), ["name" => true])[0]["address"] ?? none, idna_decode($a), idna_encode($a), url_parse("http://h/" . $a), domain_publicsuffix($a), Iconv("utf-8", "utf-16//IGNORE")->convert($a), csv_decode($a, ["header" => false]) !== 1, yaml_decode($a) !== 1, MailMessage::String("Subject: " . $a . "\\r\\n\\r\\n")->getHeader("subject")]',
  );
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  await holds(
    text,
    async (given) => {
      let isWhole = true;
      try {
        decoder.decode(Buffer.from(given, "latin1"));
      } catch {
        isWhole = false;
      }
      const [json, word] = ((await go(given)) as HslArray).values();
      assert.equal(json, isWhole ? given : null);
      if (!given.includes("=?") && !/[\r\n\0"<>]/.test(given)) assert.equal(word, given);
    },
    60,
  );
});

test("numbers come back from text, JSON and YAML", async () => {
  const go = script(
    '[number(string($a)), json_decode(json_encode([$a]) . ""), number("%.20f" % [$a]), "%d" % [$a], "%x" % [$a]]',
  );
  await holds(number, async (given) => {
    const [read, json, fixed, whole, hex] = ((await go(given)) as HslArray).values();
    if (!Number.isFinite(given)) return assert.equal(json, null);
    assert.equal(read, given + 0);
    assert.equal((json as HslArray).get(0), given + 0);
    assert.ok(Math.abs((fixed as number) - given) <= Math.max(1e-20, Math.abs(given) * 1e-15));
    assert.equal(whole, String(BigInt(Math.trunc(given))));
    assert.equal(hex, BigInt(Math.trunc(given)).toString(16));
  });
});

test("a width is the width, whatever the value, the filling and the side", async () => {
  const go = script("$a % [$b]");
  const form = fc.tuple(
    fc.constantFrom("", "'*", "'%"),
    fc.constantFrom("", "<", ">", "=", "^"),
    fc.integer({ min: 1, max: 5_000 }),
    fc.constantFrom(..."sfdxXb"),
  );
  await holds(fc.tuple(form, number), async ([[fill, align, width, as], given]) => {
    const made = (await go(`%${fill}${align}${width}${as}`, given)) as string;
    const bare = (await go(`%${as}`, given)) as string;
    assert.equal(made.length, Math.max(width, bare.length));
    assert.ok(align === "=" || made.includes(bare));
  });
});

const sizes: Readonly<Record<string, readonly [bytes: number, signed: boolean]>> = {
  c: [1, true],
  C: [1, false],
  s: [2, true],
  S: [2, false],
  n: [2, false],
  v: [2, false],
  l: [4, true],
  L: [4, false],
  N: [4, false],
  V: [4, false],
  q: [8, true],
  Q: [8, false],
  J: [8, false],
  P: [8, false],
};

test("each letter of pack is read back by unpack, cut to its bits", async () => {
  const go = script("unpack($a, pack($a, $b))");
  const value = fc.oneof(fc.double(), fc.integer(), fc.bigInt(-(2n ** 63n), 2n ** 63n).map(Number));
  for (const [letter, [size, signed]] of Object.entries(sizes))
    await holds(
      value,
      async (given) => {
        const whole = Number.isFinite(given) ? BigInt(Math.trunc(given)) : 0n;
        const cut = signed ? BigInt.asIntN(size * 8, whole) : BigInt.asUintN(size * 8, whole);
        assert.deepEqual(((await go(letter, given)) as HslArray).values(), [Number(cut)]);
      },
      40,
    );
  for (const letter of "deE")
    await holds(
      fc.double(),
      async (given) => assert.deepEqual(((await go(letter, given)) as HslArray).values(), [given]),
      40,
    );
  for (const letter of "fgG")
    await holds(
      fc.float(),
      async (given) => assert.deepEqual(((await go(letter, given)) as HslArray).values(), [given]),
      40,
    );
});

test("any format and any place are unpacked or refused", async () => {
  const go = script("unpack($a, $b, $c)");
  const format = fc.array(
    fc.tuple(
      fc.constantFrom(..."aAZhHcCsSnvlLNVqQJPfgGdeExX@"),
      fc.constantFrom("", "*", "0", "1", "2", "9", "99"),
    ),
    { maxLength: 6 },
  );
  await holds(fc.tuple(format, bytes, fc.oneof(fc.double(), fc.nat(90))), async ([parts, data, offset]) => {
    const found = await go(parts.flat().join(""), data, offset);
    assert.ok(found === null || (found instanceof HslArray && !found.values().includes(null)));
  });
});

const zones = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "America/St_Johns",
  "Pacific/Apia",
];
/** Seconds from the year 0 to 9999, often about changes of clocks, the epoch, 1900 and 2038. */
const instant = fc.oneof(
  fc.integer({ min: -62_167_000_000, max: 253_402_000_000 }),
  fc
    .tuple(
      fc.constantFrom(0, -2_208_988_800, 2 ** 31, 951_782_400, 4_107_542_400),
      fc.integer({ min: -200_000, max: 200_000 }),
    )
    .map(([at, by]) => at + by),
  fc
    .tuple(
      fc.constantFrom(1_774_746_000, 1_792_890_000, 1_772_953_200, 1_793_512_800),
      fc.integer({ min: -90_000, max: 90_000 }),
    )
    .map(([at, by]) => at + by),
);

test("a time that strftime wrote is what strptime reads, at any time in any zone", async () => {
  const go = script('strptime(strftime($c, $a, ["timezone" => $b]), $c, ["timezone" => $b])');
  const shown = script('strftime("%Y-%m-%d %H:%M:%S", $a, ["timezone" => $b])');
  await holds(fc.tuple(instant, fc.constantFrom(...zones)), async ([time, zone]) => {
    assert.equal(await go(time, zone, "%s"), time);
    const back = (await go(time, zone, "%Y-%m-%d %H:%M:%S")) as number;
    // What the clocks show twice may be the other one; zones of old have seconds that are not kept.
    assert.equal(await shown(back, zone), await shown(time, zone));
    if (time >= 0) assert.equal(await go(time, zone, "%a, %d %b %Y %H:%M:%S %z"), time);
  });
});

test("UTC is what the calendar of JavaScript says, letter by letter", async () => {
  const go = script('strftime("%Y-%m-%dT%H:%M:%S|%F %T|%s|%u|%j|%e|%I %p|%%|%q", $a, ["timezone" => "UTC"])');
  await holds(instant, async (time) => {
    const date = new Date(time * 1000);
    const iso = date.toISOString().slice(0, 19).split("T") as [string, string];
    const year = String(date.getUTCFullYear());
    const day = iso[0].replace(/^\d+/, year);
    const start = new Date(date);
    start.setUTCMonth(0, 1);
    const yearday = String(Math.round((date.getTime() - start.getTime()) / 86_400_000) + 1).padStart(3, "0");
    const hour = date.getUTCHours();
    assert.equal(
      await go(time),
      `${day}T${iso[1]}|${day} ${iso[1]}|${time}|${date.getUTCDay() || 7}|${yearday}|${String(date.getUTCDate()).padStart(2)}|${String(hour % 12 || 12).padStart(2, "0")} ${hour < 12 ? "AM" : "PM"}|%|%q`,
    );
  });
});

test("times of any size and formats of any bytes are written or refused", async () => {
  const go = script(
    '[strptime($c, $a) === 1, strptime($a, $c) === 1, strftime($a, $b % 8000000000000, ["timezone" => "Asia/Tokyo"])]',
  );
  await holds(
    fc.tuple(bytes, fc.oneof(fc.double({ min: -9e12, max: 9e12, noNaN: true }), fc.integer()), bytes),
    async ([format, time, other]) => {
      const written = ((await go(format, time, other)) as HslArray).get(2);
      assert.equal(typeof written, "string");
    },
  );
});

test("durations are the sum of their parts", async () => {
  const go = script("strpduration($a)");
  const part = fc.tuple(fc.nat(1_000), fc.constantFrom("w", "d", "h", "m", "s"));
  const seconds = { w: 604_800, d: 86_400, h: 3_600, m: 60, s: 1 } as const;
  await holds(fc.array(part, { minLength: 1, maxLength: 6 }), async (parts) => {
    const sum = parts.reduce((all, [count, unit]) => all + count * seconds[unit as keyof typeof seconds], 0);
    assert.equal(await go(parts.flat().join("")), sum);
  });
});

test("JSON and YAML of any data come back", async () => {
  const go = script("[json_encode(json_decode($a)), yaml_decode($a) == json_decode($a)]");
  const json = fc.json({ maxDepth: 4, stringUnit: "grapheme" }).map((all) => `[${all}]`);
  await holds(json, async (given) => {
    const [again] = ((await go(Buffer.from(given).toString("latin1"))) as HslArray).values();
    const twice = ((await go(again as string)) as HslArray).get(0);
    assert.equal(twice, again);
  });
});

test("rows of CSV come back", async () => {
  const go = script('csv_decode($a, ["header" => false])');
  const field = fc.string({
    unit: fc.constantFrom("a", '"', ",", "\n", "\r\n", " ", "é", ";"),
    maxLength: 8,
  });
  await holds(fc.array(fc.tuple(field, field, field), { minLength: 1, maxLength: 5 }), async (rows) => {
    const csv = rows.map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(",")).join("\n");
    const found = (await go(Buffer.from(csv).toString("latin1"))) as HslArray;
    assert.deepEqual(
      found.values().map((row) => (row as HslArray).values()),
      rows.map((row) => row.map((one) => Buffer.from(one).toString("latin1"))),
    );
  });
});

test("what a URL says of its user is bytes, also where it is no UTF-8", async () => {
  const go = script("url_parse($a)");
  const found = (await go("http://%ff%c3%a9:%zz%@host/")) as HslArray;
  assert.deepEqual([found.get("user"), found.get("password")], ["\xff\xc3\xa9", "%zz%"]);
});
