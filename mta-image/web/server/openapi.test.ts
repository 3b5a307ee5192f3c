/** The description of the API against its standard, against the routes that answer, and against what they answer. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

import { type Role, roles } from "#web/shared/web-api.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { type WebRig, type WebVisitor, startRig } from "../testing/rig.ts";

interface Operation {
  readonly operationId: string;
  readonly description?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly { readonly name: string }[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>
  >;
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

describe("the description of the API", () => {
  let engine: Engine;
  let rig: WebRig;
  let admin: WebVisitor;
  let description: Description;
  before(async () => {
    engine = await startEngine({ server: "127.0.0.1:1" });
    rig = await startRig({
      engines: { hosts: [{ name: "one", url: engine.adminUrl }] },
      token: engine.token,
      further: { proxy: { trusted: ["192.0.2.1"] } },
    });
    admin = await rig.as("admin");
    description = (await rig.visitor().call<Description>("GET", "/api/openapi.json")).json;
  });
  after(async () => {
    await rig.stop();
    await engine.stop();
  });

  const operations = (): (readonly [method: string, path: string, operation: Operation])[] =>
    Object.entries(description.paths).flatMap(([path, of]) =>
      Object.entries(of).map(([method, operation]) => [method.toUpperCase(), path, operation] as const),
    );

  test("is OpenAPI 3.1, with a name for each operation", async () => {
    const { valid, errors } = await new Validator().validate({ ...structuredClone(description) });
    assert.ok(valid, JSON.stringify(errors));
    const ids = operations().map(([, , { operationId }]) => operationId);
    assert.equal(new Set(ids).size, ids.length);
  });

  test("names every route that the server has, and each that it names is there", async () => {
    const served = routesOf(rig.paths);
    const described = operations().map(([method, path]) => `${method} ${path.replace(/\{(\w+)\}/g, ":$1")}`);
    assert.deepEqual(described.sort(), served.filter((route) => route !== "GET /api/openapi.json").sort());
  });

  test("says what may be had without a session, and no more may", async () => {
    const nobody = rig.visitor();
    for (const [method, path, { security }] of operations()) {
      const body = method === "GET" ? undefined : {};
      const { status } = await nobody.call(method, path.replace(/\{\w+\}/g, "one"), body);
      assert.equal(status === 401, security !== undefined, `${method} ${path} ${status}`);
    }
  });

  test("says which role and which token are needed, and nothing is done for less", async () => {
    const visitors = await Promise.all(roles.map((role) => rig.as(role)));
    let refusals = 0;
    for (const [method, path, { description: text = "", security }] of operations()) {
      const role = /the role (\w+)/.exec(text)?.[1];
      if (security === undefined || role === undefined) continue;
      const place = path.replace(/\{\w+\}/g, "one");
      const ask = async (visitor: WebVisitor | undefined, headers = {}): Promise<string> => {
        const body = method === "GET" ? undefined : {};
        const answer = await visitor?.call<{ code?: string }>(method, place, body, headers);
        return `${method} ${path} ${answer?.status} ${answer?.json.code}`;
      };
      for (const less of visitors.slice(0, roles.indexOf(role as Role))) {
        assert.equal(await ask(less), `${method} ${path} 403 role`);
        refusals++;
      }
      if (security.some((scheme) => "page" in scheme))
        assert.equal(await ask(admin, { "x-csrf-token": "" }), `${method} ${path} 403 csrf`);
    }
    assert.ok(refusals >= 12, String(refusals));
  });

  test("has the shape of what is answered", async () => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    let checked = 0;
    for (const [method, path, { responses }] of operations()) {
      const schema = responses["200"]?.content?.["application/json"]?.schema;
      if (method !== "GET" || schema === undefined || path.includes("{")) continue;
      const { status, json } = await admin.call("GET", path);
      assert.equal(status, 200, path);
      const isRight = ajv.compile(schema);
      assert.ok(isRight(json), `${path}: ${ajv.errorsText(isRight.errors)}`);
      checked++;
    }
    assert.ok(checked >= 12, String(checked));
  });
});

/** "GET /api/overview" for each of fastify's, which come as a tree of prefixes; HEAD apart, which it makes for each GET. */
function routesOf(tree: string): string[] {
  const prefixes: string[] = [];
  return tree.split("\n").flatMap((line) => {
    const [, margin = "", part = "", methods = ""] = /^(.*?─ )(\S*)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
    const depth = margin.length / 4;
    prefixes.length = Math.max(0, depth - 1);
    const path = `${prefixes.at(-1) ?? ""}${part}`;
    prefixes.push(path);
    if (!path.startsWith("/api/")) return [];
    return methods
      .split(", ")
      .filter((method) => method !== "" && method !== "HEAD")
      .map((method) => `${method} ${path}`);
  });
}
