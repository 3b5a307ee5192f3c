/**
 * Live traces of SMTP sessions on all engines at once, as one stream of lines. Each engine masks secrets and bounds what
 * it tells; here only so many streams run at once, and a reader that is slow slows the engines, which then end by
 * themselves. An engine that cannot be read, or stops, is a line of the stream too. Hanging up ends it everywhere.
 */
import { PassThrough } from "node:stream";
import { once } from "node:events";

import { describe } from "#base/error.ts";
import { TraceItem } from "#contract/trace-api.ts";
import { type ClusterTraceItem, ClusterTraceQuery } from "#web/shared/web-api.ts";

import type { Fleet } from "./fleet.ts";
import { Refusal, type Route, Streamed, route } from "./route.ts";

const AT_ONCE = 8;

export function traceRoutes(fleet: Pick<Fleet, "streams">): readonly Route[] {
  let running = 0;
  return [
    route({
      method: "POST",
      path: "/trace",
      name: "trace",
      summary:
        "Live trace of sessions: one JSON object a line (ClusterTraceItem) until a bound or the caller's end",
      role: "operator",
      body: ClusterTraceQuery,
      detail: (query) => JSON.stringify(query),
      handle: async ({ body, reply }) => {
        if (running >= AT_ONCE)
          throw new Refusal(429, "too-many-traces", "too many traces are read already; end one of them");
        running++;
        const hangUp = new AbortController();
        const out = new PassThrough();
        reply.raw.once("close", () => {
          running--;
          hangUp.abort();
        });
        out.once("error", () => hangUp.abort());
        const { engines, ...query } = body;
        const path = `/v1/trace?${new URLSearchParams(wordsOf(query)).toString()}`;
        void relay(fleet, { path, engines, out, signal: hangUp.signal });
        return new Streamed(out, "application/x-ndjson");
      },
    }),
  ];
}

interface Relay {
  readonly path: string;
  readonly engines: readonly string[] | undefined;
  readonly out: PassThrough;
  readonly signal: AbortSignal;
}

/** Never rejects. */
async function relay(fleet: Pick<Fleet, "streams">, task: Relay): Promise<void> {
  const { path, engines, out, signal } = task;
  const say = async (item: ClusterTraceItem): Promise<void> => {
    if (signal.aborted || out.destroyed) return;
    if (!out.write(`${JSON.stringify(item)}\n`)) await once(out, "drain", { signal }).catch(() => {});
  };
  try {
    const { streams, failures } = await fleet.streams(path, signal, engines);
    for (const { engine, reason } of failures) await say({ engine, failure: reason });
    await Promise.all(
      streams.map(async ({ engine, lines }) => {
        try {
          for await (const line of lines) await say({ engine, item: TraceItem.parse(JSON.parse(line)) });
        } catch (error) {
          const isOurs = error instanceof SyntaxError || (error as Error).name === "ZodError";
          await say({
            engine,
            failure: isOurs ? "its trace has another shape than expected" : describe(error),
          });
        }
      }),
    );
  } finally {
    out.end();
  }
}

function wordsOf(query: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query).flatMap(([name, value]) =>
      value === undefined || value === "" ? [] : [[name, String(value)]],
    ),
  );
}
