import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Client, type ClientReadableStream, type ServiceError, credentials } from "@grpc/grpc-js";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { ExternalScaler } from "./protocol.ts";
import type { ClusterFigures } from "./scaler.ts";
import { type KedaServer, startKedaServer } from "./server.ts";

type Calls = Record<"IsActive" | "GetMetricSpec" | "GetMetrics", (request: unknown, done: Done) => void> & {
  StreamIsActive(request: unknown): ClientReadableStream<{ result: boolean }>;
};
type Done = (error: ServiceError | null, answer: Record<string, unknown>) => void;

const clock = new ManualClock();
let figures: ClusterFigures | "unknown" | "absent";
let server: KedaServer;
let client: Client & Calls;

const ref = (scalerMetadata: Record<string, string> = {}): unknown => ({
  name: "outbound",
  namespace: "mail",
  scalerMetadata,
});

function call(
  method: keyof Omit<Calls, "StreamIsActive">,
  request: unknown,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) =>
    client[method](request, (error, answer) => (error === null ? resolve(answer) : reject(error))),
  );
}

before(async () => {
  const source = { figuresOf: (namespace: string) => (namespace === "mail" ? figures : "absent") };
  server = await startKedaServer({ address: "127.0.0.1:0", source, clock });
  client = new ExternalScaler(`127.0.0.1:${server.port}`, credentials.createInsecure()) as Client & Calls;
});
beforeEach(() => {
  figures = { dueMessages: 4200, oldestDueSeconds: 12, sessions: 3 };
});
after(() => {
  client.close();
  server.close();
});

describe("KEDA's external scaler", () => {
  test("tells the figure that the trigger asks for, and its target", async () => {
    assert.deepEqual(await call("GetMetricSpec", ref({ target: "250.5" })), {
      metricSpecs: [{ metricName: "dueMessages", targetSize: 251, targetSizeFloat: 250.5 }],
    });
    const request = {
      scaledObjectRef: ref({ metric: "oldestDueSeconds" }),
      metricName: "s0-oldestDueSeconds",
    };
    assert.deepEqual(await call("GetMetrics", request), {
      metricValues: [{ metricName: "s0-oldestDueSeconds", metricValue: 12, metricValueFloat: 12 }],
    });
  });

  test("is active while something is due or a client is connected", async () => {
    assert.deepEqual(await call("IsActive", ref()), { result: true });
    figures = { dueMessages: 0, oldestDueSeconds: 0, sessions: 0 };
    assert.deepEqual(await call("IsActive", ref()), { result: false });
  });

  test("answers with an error, never with zero, while a pod is unknown", async () => {
    figures = "unknown";
    const request = { scaledObjectRef: ref(), metricName: "dueMessages" };
    await assert.rejects(call("GetMetrics", request), /UNAVAILABLE.*does not tell its figures/);
    await assert.rejects(call("IsActive", ref()), /UNAVAILABLE/);
  });

  test("names what is wrong with a trigger", async () => {
    await assert.rejects(
      call("GetMetricSpec", ref({ metric: "joy" })),
      /metric "joy" is none of dueMessages/,
    );
    await assert.rejects(
      call("GetMetricSpec", ref({ target: "-1" })),
      /target "-1" is not a number above zero/,
    );
    figures = "absent";
    await assert.rejects(call("IsActive", ref({ cluster: "gone" })), /NOT_FOUND.*mail\/gone/);
  });

  test("streams the state at once and then only its changes, silent while unknown", async () => {
    const stream = client.StreamIsActive(ref());
    const seen: boolean[] = [];
    const next = (): Promise<void> =>
      new Promise((resolve) => {
        stream.once("data", ({ result }: { result: boolean }) => {
          seen.push(result);
          resolve();
        });
      });
    stream.on("error", () => {});
    await next();
    figures = "unknown";
    clock.advance(5000);
    figures = { dueMessages: 0, oldestDueSeconds: 0, sessions: 0 };
    const changed = next();
    clock.advance(5000);
    await changed;
    assert.deepEqual(seen, [true, false]);
    stream.cancel();
  });
});
