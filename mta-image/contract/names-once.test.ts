import assert from "node:assert/strict";
import { test } from "node:test";

import { parseEngineConfig } from "./config.ts";

/** Problems of a configuration with these keys beside what each must have, as "place: reason". */
function problems(app: object): string[] {
  const parsed = parseEngineConfig({
    startup: JSON.stringify({ servers: [{ id: "one", listeners: [{ port: 0 }] }] }),
    app: JSON.stringify({
      servers: [{ id: "one", transport: "out" }],
      transportgroups: [{ id: "g", transports: [{ id: "out" }] }],
      ...app,
    }),
  });
  return parsed.ok ? [] : parsed.problems.map(({ path, reason }) => `${path}: ${reason}`);
}

const script = { id: "a", data: "" };
const webhook = { id: "a", url: "https://events.example.net" };
const lists: Readonly<Record<string, (twice: boolean) => object>> = {
  addresses: (twice) => ({ addresses: some({ id: "a", address: "192.0.2.1" }, twice) }),
  plugins: (twice) => ({ plugins: some({ id: "a", config: {} }, twice) }),
  "queues.grouping.groupings": (twice) => ({ queues: { grouping: { groupings: some({ id: "a" }, twice) } } }),
  "events.files": (twice) => ({ events: { files: some({ path: "/a" }, twice) } }),
  "events.webhooks": (twice) => ({ events: { webhooks: some(webhook, twice) } }),
  "scripting.files": (twice) => ({ scripting: { files: some(script, twice) } }),
  "scripting.ldap": (twice) => ({ scripting: { ldap: some({ id: "a", uri: "ldap://a.test" }, twice) } }),
  "scripting.hooks.helo": (twice) => ({ scripting: { hooks: { helo: some(script, twice) } } }),
};

function some<T>(item: T, twice: boolean): T[] {
  return twice ? [item, item] : [item];
}

for (const [path, list] of Object.entries(lists))
  test(`a name that is there twice in ${path} is refused`, () => {
    assert.deepEqual(problems(list(false)), []);
    const name = path === "events.files" ? "/a" : "a";
    assert.deepEqual(problems(list(true)), [`${path}: "${name}" is there more than once`]);
  });

test("scripts of two hooks may have the same name", () => {
  assert.deepEqual(problems({ scripting: { hooks: { helo: [script], eod: [script] } } }), []);
});
