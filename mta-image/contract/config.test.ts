import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { parseEngineConfig } from "./config.ts";

const startup = `servers: [{ id: in, listeners: [{ port: 25 }] }]
spool: { path: /spool }
environment: { appconf: a }
`;
const app = `servers: [{ id: in, transport: out }]
transportgroups: [{ id: g, connection: { server: "mx:25" }, transports: [{ id: out }] }]
`;
const policy = "policies: [{ fields: [localip], default: { concurrency: 7, rate: 5/60 } }]\n";
const suspend = "suspends: [{ jobid: a }]\n";
const good = { startup, app, policy, suspend };
const names = ["startup", "app", "policy", "suspend"] as const;

function isAnswered(files: typeof good): boolean {
  const parsed = parseEngineConfig(files);
  if (parsed.ok) return true;
  assert.ok(parsed.problems.length > 0);
  for (const { file, reason } of parsed.problems)
    assert.ok(file !== "" && reason !== "", JSON.stringify(parsed));
  return false;
}

test("a file cut at any place is a configuration or a list of what is wrong", () => {
  assert.ok(isAnswered(good));
  for (const name of names)
    for (let at = 0; at < good[name].length; at++) isAnswered({ ...good, [name]: good[name].slice(0, at) });
});

test("any text is a configuration or a list of what is wrong with it", () => {
  const words = Object.values(good).flatMap((text) => text.split(/(?<=[\s:[\]{},])/));
  const word = fc.constantFrom(
    ...words,
    "&a ",
    "*a ",
    "!!js/function ",
    "<<: ",
    "__proto__: ",
    "- ",
    "\n",
    "9e99 ",
    "~ ",
  );
  const text = fc.oneof(
    fc.array(word, { maxLength: 25 }).map((parts) => parts.join("")),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      text,
      (name, given) => void isAnswered({ ...good, [name]: given }),
    ),
    { numRuns: 500 },
  );
});

test("aliases that stand for billions of values, and nesting without end, are refused", () => {
  const levels = Array.from({ length: 12 }, (_, i) => {
    const items = Array(9).fill(i === 0 ? "x" : `*a${i - 1}`);
    return `a${i}: &a${i} [${items.join(",")}]\n`;
  });
  const plugins = (value: string): typeof good => ({
    ...good,
    startup: `${startup}plugins: [{ id: p, path: p.so }]\n`,
    app: `${app}plugins: [{ id: p, config: { a: ${value} } }]\n`,
  });
  assert.ok(isAnswered(plugins("[&a [1], *a, *a]")));
  assert.equal(isAnswered(plugins("&a [*a]")), false);
  const bomb = levels.map((level) => level.trim().replace(/^a\d+: /, "")).join(", ");
  assert.equal(isAnswered(plugins(`[${bomb}]`)), false);
  assert.equal(isAnswered({ ...good, app: `${"[".repeat(50_000)}${"]".repeat(50_000)}` }), false);
});
