/**
 * The gRPC face of scaler.ts. A call that cannot be answered ends with a status and a sentence; nothing in here
 * throws. StreamIsActive tells the state at once and then whenever it changes, looking every few seconds; while
 * figures are unknown it says nothing, and KEDA keeps what it knew.
 */
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";

import type { Clock, Timer } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";

import { ExternalScaler, type ScaledObjectRef } from "./protocol.ts";
import { type FigureSource, ScalerError, isActive, metricSpec, metricValue } from "./scaler.ts";

const LOOK_EVERY_MS = 5000;

export interface KedaServer {
  readonly port: number;
  /** Ends open streams and stops listening. */
  close(): void;
}

export interface KedaServerOptions {
  readonly address: string;
  readonly source: FigureSource;
  readonly clock: Clock;
}

/** Rejects with a Failure `listen-failed` that names the address. */
export async function startKedaServer(options: KedaServerOptions): Promise<KedaServer> {
  const { source } = options;
  const server = new Server();
  server.addService(ExternalScaler.service, {
    IsActive: unary((ref: ScaledObjectRef) => ({ result: isActive(source, ref) })),
    StreamIsActive: (call: ServerWritableStream<ScaledObjectRef, unknown>) => follow(call, options),
    GetMetricSpec: unary((ref: ScaledObjectRef) => ({ metricSpecs: [metricSpec(ref)] })),
    GetMetrics: unary((request: { scaledObjectRef: ScaledObjectRef | null; metricName: string }) => {
      const ref = request.scaledObjectRef;
      if (ref === null) throw new ScalerError(status.INVALID_ARGUMENT, "scaledObjectRef is missing");
      return { metricValues: [metricValue(source, ref, request.metricName)] };
    }),
  });
  const port = await bind(server, options.address);
  return { port, close: () => server.forceShutdown() };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else
        reject(
          new Failure("listen-failed", `cannot listen on ${address}: ${error.message}`, { cause: error }),
        );
    });
  });
}

function unary<Request, Answer>(
  handle: (request: Request) => Answer,
): (call: ServerUnaryCall<Request, Answer>, done: sendUnaryData<Answer>) => void {
  return (call, done) => {
    try {
      done(null, handle(call.request));
    } catch (error) {
      done(toStatus(error));
    }
  };
}

function follow(
  call: ServerWritableStream<ScaledObjectRef, unknown>,
  { source, clock }: KedaServerOptions,
): void {
  let timer: Timer | null = null;
  let last: boolean | null = null;
  const look = (): void => {
    try {
      const now = isActive(source, call.request);
      if (now !== last) call.write({ result: now });
      last = now;
    } catch (error) {
      if (!(error instanceof ScalerError && error.code === status.UNAVAILABLE)) {
        // The library sends the status that an emitted error carries; a destroyed call would end without a word.
        call.emit("error", Object.assign(new Error(describe(error)), toStatus(error)));
        return;
      }
    }
    timer = clock.after(LOOK_EVERY_MS, look);
  };
  call.on("cancelled", () => timer?.cancel());
  call.on("error", () => timer?.cancel());
  look();
}

function toStatus(error: unknown): { code: status; details: string } {
  if (error instanceof ScalerError) return { code: error.code, details: error.message };
  return { code: status.INTERNAL, details: "internal error, see the operator's log" };
}
