import assert from "node:assert/strict";
import { describe, test } from "node:test";

import fc from "fast-check";

import { systemClock } from "#base/clock.ts";
import { Lint } from "./lint.ts";
import { judgeProposal } from "./judge-proposal.ts";
import { mergePatch } from "./merge-patch.ts";
import { scriptsOf, withScripts } from "./script-texts.ts";

const startup = "servers: [{ id: in, listeners: [{ port: 25 }] }]\n";
const app = `servers: [{ id: in, transport: out, phases: { mailfrom: { hook: strict } } }]
transportgroups: [{ id: g, transports: [{ id: out, retry: { count: 5 } }] }]
scripting:
  hooks:
    mailfrom: [{ id: strict, data: "Accept();" }]
    predelivery: "Delete();"
  files: [{ id: lib.hsl, data: "function f() { return 1; }" }]
`;
const before = {
  "smtpd.yaml": startup,
  "smtpd-app.yaml": app,
  "smtpd-policy.yaml": "{}",
  "smtpd-suspend.yaml": "",
};

const judge = (files: Record<string, string>, scripts: Record<string, string> = {}) =>
  judgeProposal({ before, files, scripts });

describe("what an engine would say to a change", () => {
  test("nothing, of what it would take, and only what differs is for the MailCluster", () => {
    const verdict = judge({
      "smtpd-app.yaml": app.replace("count: 5", "count: 6"),
      "smtpd-suspend.yaml": "suspends: [{ recipientdomain: later.test }]\n",
    });
    assert.deepEqual(verdict.problems, []);
    assert.equal(verdict.isScriptsUnknown, false);
    assert.match(verdict.manifest ?? "", /^spec:\n {2}config:\n {4}app:\n {6}transportgroups:/);
    assert.match(verdict.manifest ?? "", /count: 6/);
    assert.match(verdict.manifest ?? "", /suspend:\n {6}suspends:/);
    assert.doesNotMatch(verdict.manifest ?? "", /servers|scripting|policy/);
  });

  test("each mistake, with its place", () => {
    const verdict = judge({
      "smtpd-app.yaml": app.replace("transport: out,", "transport: nowhere, colour: red,"),
    });
    const found = verdict.problems.map(({ file, path, reason }) => `${file} ${path} ${reason}`);
    assert.match(found.join("\n"), /smtpd-app\.yaml servers\[0\]\.colour unknown key/);
    const cross = judge({ "smtpd-app.yaml": app.replace("transport: out,", "transport: nowhere,") });
    assert.match(cross.problems[0]?.reason ?? "", /there is no transport "nowhere"/);
    assert.match(judge({ "smtpd-policy.yaml": "a: [" }).problems[0]?.reason ?? "", /is not YAML/);
  });

  test("a script that does not compile, with line and column, whether it is edited by itself or in the file", () => {
    const alone = judge({}, { "mailfrom/strict": "$x = 1;\n  Rejekt();" });
    assert.equal(alone.problems[0]?.path, "scripting.hooks.mailfrom.strict");
    assert.match(alone.problems[0]?.reason ?? "", /mailfrom\/strict:2:3: there is no function Rejekt/);
    const inside = judge({ "smtpd-app.yaml": app.replace("Accept();", "Rejekt();") });
    assert.match(inside.problems[0]?.reason ?? "", /there is no function Rejekt/);
    assert.match(judge({}, { predelivery: "if (" }).problems[0]?.reason ?? "", /predelivery:1:5/);
    const library = judge(
      {},
      { "mailfrom/strict": `import { f } from "lib.hsl"; f();`, "files/lib.hsl": "function g() {}" },
    );
    assert.match(library.problems[0]?.reason ?? "", /mailfrom\/strict:1:10: lib\.hsl has no f/);
  });

  test("a script that is edited by itself is a change of the MailCluster too, with its list whole", () => {
    const { manifest, problems } = judge({}, { "mailfrom/strict": `Reject("no");` });
    assert.deepEqual(problems, []);
    assert.match(manifest ?? "", /mailfrom:\n {12}- id: strict\n {14}data: Reject\("no"\);/);
    assert.doesNotMatch(manifest ?? "", /predelivery|lib\.hsl/);
  });

  test("what only an engine can know, and what a MailCluster does not say, are said", () => {
    const plugins = judge(
      { "smtpd.yaml": `${startup}plugins: [{ id: p, path: /p.so }]\n` },
      { predelivery: "fromPlugin();" },
    );
    assert.deepEqual(
      [plugins.isScriptsUnknown, plugins.isStartupChanged, plugins.problems],
      [true, true, []],
    );
    assert.equal(judge({ "smtpd.yaml": `${startup}# a remark\n` }).manifest, null);
  });

  test("many mistakes are counted and not all listed", () => {
    const keys = Array.from({ length: 1000 }, (_, at) => `key${at}: 1\n`).join("");
    const { problems, further } = judge({ "smtpd-policy.yaml": keys });
    assert.equal(problems.length, 200);
    assert.equal(further, 800);
  });
});

describe("hostile proposals", () => {
  // None of them needs the bound on time, so a slow machine may take as long as it likes.
  const lint = new Lint(systemClock, 150_000);
  const outcome = (files: Record<string, string>, scripts: Record<string, string> = {}): Promise<string> =>
    lint.judge({ before, files, scripts }).then(
      ({ problems }) => `${problems.length} problems`,
      (error: Error) => error.message,
    );
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghijklmnop"
    .split("")
    .map(
      (name, at) =>
        `${name}: &${name} [${Array.from({ length: 9 }, () => `*${"abcdefghijklmno"[at]}`).join()}]\n`,
    )
    .join("")}`;

  for (const [what, files, scripts] of [
    ["aliases that swell", { "smtpd-policy.yaml": bomb }, {}],
    ["lists in lists", { "smtpd-policy.yaml": `rate: ${"[".repeat(200_000)}` }, {}],
    ["maps in maps", { "smtpd-app.yaml": `${"{a: ".repeat(50_000)}` }, {}],
    ["control bytes", { "smtpd-app.yaml": "\u0000\u001b\ufffd" }, {}],
    ["brackets in brackets", {}, { predelivery: "(".repeat(100_000) }],
    [
      "a file that includes itself",
      {},
      { predelivery: `include "lib.hsl";`, "files/lib.hsl": `include "lib.hsl";` },
    ],
    ["a pattern and a text without end", {}, { predelivery: `#/(a+)+$/ =~ "x` }],
  ] as const)
    test(`end in a sentence, and the next one is judged: ${what}`, async () => {
      assert.match(
        await outcome(files, scripts),
        /^([1-9]\d* problems|this cannot be looked at here: (?!it takes too long).+)$/,
      );
      assert.equal(await outcome({}), "0 problems");
    });

  test("no more than a few wait at once, the others are told to come again", async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => outcome({})));
    assert.equal(outcomes.filter((each) => each === "0 problems").length, 4);
    assert.equal(outcomes.filter((each) => /other proposals are being looked at/.test(each)).length, 4);
  });

  test("one that takes too long is ended", async () => {
    const short = new Lint(systemClock, 1);
    await assert.rejects(short.judge({ before, files: {}, scripts: {} }), /it takes too long/);
  });
});

test("a merge patch that is applied gives the changed value (RFC 7386)", () => {
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.array(fc.integer(), { maxLength: 3 }),
      fc.dictionary(fc.string({ maxLength: 2 }), tie("value"), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).value;
  const apply = (to: unknown, patch: unknown): unknown => {
    if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
    const base = typeof to === "object" && to !== null && !Array.isArray(to) ? Object.entries(to) : [];
    const result = new Map<string, unknown>(base);
    for (const [name, value] of Object.entries(patch)) {
      if (value === null) result.delete(name);
      else result.set(name, apply(result.get(name), value));
    }
    return Object.fromEntries(result);
  };
  const object = fc.dictionary(fc.string({ maxLength: 2 }), json, { maxKeys: 4, noNullPrototype: true });
  fc.assert(
    fc.property(object, object, (was, will) => {
      const patch = mergePatch(was, will);
      assert.deepEqual(patch === undefined ? was : apply(was, patch), will);
    }),
  );
});

test("scripts are taken out of a configuration and put back, and what is none is let be", () => {
  const value = {
    scripting: {
      hooks: { mailfrom: [{ id: "a", data: "1" }], predelivery: "2", odd: 3 },
      files: [{ id: "lib", data: "4" }, { id: "logo", data: "AAAA", binary: true }, null],
    },
    servers: [],
  };
  assert.deepEqual(scriptsOf(value), { "mailfrom/a": "1", predelivery: "2", "files/lib": "4" });
  const changed = withScripts(value, {
    "mailfrom/a": "x",
    predelivery: "y",
    "files/lib": "z",
    "files/logo": "w",
  });
  assert.deepEqual(scriptsOf(changed), { "mailfrom/a": "x", predelivery: "y", "files/lib": "z" });
  assert.deepEqual(withScripts(changed, { "mailfrom/a": "1", predelivery: "2", "files/lib": "4" }), value);
  for (const odd of [null, "text", [], {}, { scripting: [] }, { scripting: { hooks: 1, files: 2 } }])
    assert.deepEqual([scriptsOf(odd), withScripts(odd, { a: "b" })], [{}, odd]);
});
