import assert from "node:assert/strict";
import { test } from "node:test";

import { dump } from "js-yaml";

import type { Rendering } from "#operator/desired/engine-config.ts";
import { ScriptCheck } from "./check-scripts.ts";

const startup = { servers: [{ id: "in", listeners: [{ port: 25 }] }] };

function rendered(scripting: object, more: { startup?: object; phases?: object } = {}): Rendering {
  const app = {
    servers: [{ id: "in", transport: "out", phases: more.phases ?? {} }],
    transportgroups: [{ id: "g", transports: [{ id: "out" }] }],
    scripting,
  };
  const revision = JSON.stringify([app, more]);
  const files = {
    startup: dump({ ...startup, ...more.startup }),
    app: dump(app),
    policy: "{}",
    suspend: "{}",
  };
  return { ok: true, config: { revision, image: null, pluginImages: new Map(), ...files } };
}

async function reasons(rendering: Rendering): Promise<string[]> {
  const judged = await new ScriptCheck().judge(rendering);
  return judged.ok ? [] : judged.problems.map(({ file, path, reason }) => `${file}: ${path}: ${reason}`);
}

test("scripts that compile pass, with their imports and what engines give them", async () => {
  const rendering = rendered(
    {
      files: [
        { id: "lib.hsl", data: "function f() { return 1; }" },
        { id: "a.json", data: "[1]" },
      ],
      hooks: {
        mailfrom: [
          {
            id: "a",
            data: `import { f } from "lib.hsl"; import $x from "a.json"; if (f() == $x[0]) Accept();`,
          },
        ],
        predelivery: `if (spamhaus("ip", "192.0.2.1")) Delete();`,
      },
    },
    { phases: { mailfrom: { hook: "a" } } },
  );
  assert.equal(await new ScriptCheck().judge(rendering), rendering);
});

test("each mistake is named with file, line and column", async () => {
  const rendering = rendered({
    hooks: {
      rcptto: [{ id: "bad", data: "$x = 1;\n  Rejekt();" }],
      postdelivery: "Try();",
      predelivery: "if (",
    },
  });
  const found = await reasons(rendering);
  assert.match(
    found[0] ?? "",
    /^smtpd-app\.yaml: scripting\.hooks\.rcptto\.bad: rcptto\/bad:2:3: there is no function Rejekt$/,
  );
  assert.match(found[1] ?? "", /scripting\.hooks\.predelivery: predelivery:1:5: /);
  assert.match(found[2] ?? "", /scripting\.hooks\.postdelivery: postdelivery:1:1: there is no function Try$/);
});

test("a row of data that breaks its schema is named with script, file, line, column and reason", async () => {
  const files = [
    { id: "limits.csv", data: "domain,limit\na.example,10\nb.example,many\n" },
    {
      id: "limits.csv.schema.json",
      data: '{"fields":[{"name":"domain"},{"name":"limit","type":"integer"}]}',
    },
    { id: "lib.hsl", data: '\nimport $limits from "./limits.csv";' },
  ];
  const hooks = { mailfrom: [{ id: "m", data: 'import { $limits } from "lib.hsl"; echo $limits;' }] };
  assert.deepEqual(await reasons(rendered({ hooks, files })), [
    'smtpd-app.yaml: scripting.hooks.mailfrom.m: lib.hsl:2:1: limits.csv: line 3, column limit: "many" is no integer',
  ]);
});

test("what only an engine can know is left to the engine", async () => {
  const hooks = { predelivery: "fromPlugin();" };
  assert.equal((await reasons(rendered({ hooks }))).length, 1);
  assert.deepEqual(
    await reasons(rendered({ hooks }, { startup: { plugins: [{ id: "p", path: "/p.so" }] } })),
    [],
  );
  assert.deepEqual(await reasons(rendered({ hooks, files: [{ id: "x", path: "/x" }] })), []);
  const foreign = { hooks: { predelivery: `FFI("libm.so.6"); Try();` } };
  assert.equal((await reasons(rendered(foreign))).length, 1);
  assert.deepEqual(await reasons(rendered(foreign, { startup: { scripting: { ffi: true } } })), []);
});

test("hostile sources come to an end, as problems", async () => {
  for (const data of [
    `${"(".repeat(50_000)}`,
    "\u0000\u0001\ufffd\u001b",
    `include "a";`,
    `#/(a+)+$/ =~ "x`,
    "'",
  ]) {
    const files = [{ id: "a", data: `include "a";` }];
    assert.notDeepEqual(await reasons(rendered({ hooks: { predelivery: data }, files })), []);
  }
});

test("scripts that grow by including each other are left to the engine before they hold up others", async () => {
  const files = [{ id: "big", data: "$x = 1 + 2;\n".repeat(2000) }];
  const predelivery = `${`include "big";\n`.repeat(400)} Nothing();`;
  assert.deepEqual(await reasons(rendered({ hooks: { predelivery }, files })), []);
});

test("nothing of a script runs", async () => {
  const data = `$x = 1; while (true) { $x += 1; }`;
  assert.deepEqual(await reasons(rendered({ hooks: { predelivery: data } })), []);
});
