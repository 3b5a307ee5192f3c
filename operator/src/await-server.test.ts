import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { definitions } from "#crds/definitions.ts";
import type { RawReader } from "#operator/kube/discovery.ts";

import { awaitServer } from "./await-server.ts";
import { missingFields } from "./definitions-check.ts";

interface Document {
  readonly components: { readonly schemas: Record<string, Record<string, unknown>> };
}

/** What a server publishes that has these very definitions. */
function published(): Document {
  const schemas = definitions.map(({ spec }) => {
    const { kind } = spec["names"] as { kind: string };
    const [version] = spec["versions"] as { schema: { openAPIV3Schema: object } }[];
    const known = {
      "x-kubernetes-group-version-kind": [{ group: "mailfleet.io", kind, version: "v1alpha1" }],
    };
    return [`io.mailfleet.v1alpha1.${kind}`, { ...version?.schema.openAPIV3Schema, ...known }] as const;
  });
  return structuredClone({ components: { schemas: Object.fromEntries(schemas) } });
}

class Server implements RawReader {
  document = published();
  status = 200;
  kinds = ["mailclusters", "nativeplugins"];

  async raw(path: string) {
    const answer = (value: unknown, status = 200) => ({
      status,
      retryAfterSeconds: undefined,
      text: JSON.stringify(value),
    });
    if (path === "/version") return answer({ major: "1", minor: "36", gitVersion: "v1.36.3" });
    if (path.startsWith("/openapi/")) return answer(this.document, this.status);
    return answer({ resources: this.kinds.map((name) => ({ name })) });
  }

  /** The schema at "MailCluster.properties.spec". */
  at(path: string): Record<string, unknown> {
    const [kind = "", ...names] = path.split(".");
    const root = this.document.components.schemas[`io.mailfleet.v1alpha1.${kind}`] ?? {};
    return names.reduce((schema, name) => schema[name] as Record<string, unknown>, root);
  }
}

describe("the definitions that a server has", () => {
  test("are good when they are of this version, or know more", async () => {
    const server = new Server();
    assert.deepEqual(await missingFields(server, definitions), []);
    server.at("MailCluster.properties.spec.properties")["tomorrow"] = { type: "string" };
    assert.deepEqual(await missingFields(server, definitions), []);
  });

  test("are told by each field and each word that they lack, also within lists", async () => {
    const server = new Server();
    delete server.at("MailCluster.properties.spec.properties")["deletionPolicy"];
    delete server.at("MailCluster.properties.spec.properties.listeners.items.properties")["port"];
    server.at("NativePlugin.properties.spec.properties.check")["enum"] = ["Required"];
    assert.deepEqual((await missingFields(server, definitions))?.toSorted(), [
      "MailCluster spec.deletionPolicy",
      "MailCluster spec.listeners[].port",
      "NativePlugin spec.check=Off",
    ]);
  });

  test("are not known where the server does not let them be read", async () => {
    const server = new Server();
    server.status = 403;
    assert.equal(await missingFields(server, definitions), null);
  });
});

describe("an operator that starts", () => {
  test("waits for definitions that are missing or old, says which, and goes on when they come", async () => {
    const server = new Server();
    server.kinds = ["mailclusters"];
    const clock = new ManualClock();
    const said: string[] = [];
    const stop = new AbortController();
    const onMissing = (what: string) => said.push(what);
    let imageVolumes: boolean | null | undefined;
    const wait = { kube: server, imageVolumes: "auto", clock, log: silentLog, onMissing } as const;
    void awaitServer(wait, stop.signal).then((found) => (imageVolumes = found));
    const look = async (): Promise<void> => {
      clock.advance(2000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await look();
    assert.match(said.at(-1) ?? "", /serves no NativePlugin: install/);
    server.kinds = ["mailclusters", "nativeplugins"];
    delete server.at("MailCluster.properties.status.properties")["plan"];
    await look();
    assert.match(said.at(-1) ?? "", /older than this operator, they lack MailCluster status\.plan: upgrade/);
    assert.equal(imageVolumes, undefined, "it does nothing yet");
    server.document = published();
    await look();
    assert.equal(imageVolumes, true);
  });

  test("stops waiting when it is told to", async () => {
    const server = new Server();
    server.kinds = [];
    const stop = new AbortController();
    const clock = new ManualClock();
    const wait = { kube: server, imageVolumes: "auto", clock, log: silentLog } as const;
    const found = awaitServer({ ...wait, onMissing: () => stop.abort() }, stop.signal);
    assert.equal(await found, null);
  });
});
