/**
 * A client of external scalers as KEDA is one: made from KEDA's own protocol file, not from our description of it. Calls
 * reject with the gRPC status and its sentence.
 */
import {
  type ClientReadableStream,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from "@grpc/grpc-js";
import { load } from "@grpc/proto-loader";

import { foreignDefinitions } from "../../tools/foreign-definitions.ts";

export interface ObjectRef {
  readonly name: string;
  readonly namespace: string;
  readonly scalerMetadata: Readonly<Record<string, string>>;
}

type Unary = (request: unknown, done: (error: Error | null, answer: unknown) => void) => void;

export class KedaClient {
  readonly #client: Record<string, Unary> & { close(): void };

  private constructor(client: unknown) {
    this.#client = client as Record<string, Unary> & { close(): void };
  }

  static async connect(address: string): Promise<KedaClient> {
    const [proto = ""] = await foreignDefinitions("scaler");
    const definition = await load(proto, { longs: Number, defaults: true });
    const { externalscaler } = loadPackageDefinition(definition) as { externalscaler: GrpcObject };
    const Client = externalscaler["ExternalScaler"] as ServiceClientConstructor;
    return new KedaClient(new Client(address, credentials.createInsecure()));
  }

  async isActive(ref: ObjectRef): Promise<boolean> {
    return (await this.#call<{ result: boolean }>("IsActive", ref)).result;
  }

  async target(ref: ObjectRef): Promise<number> {
    const { metricSpecs } = await this.#call<{ metricSpecs: { targetSize: number }[] }>("GetMetricSpec", ref);
    return metricSpecs[0]?.targetSize ?? Number.NaN;
  }

  async value(ref: ObjectRef, metricName: string): Promise<number> {
    const request = { scaledObjectRef: ref, metricName };
    const answer = await this.#call<{ metricValues: { metricValue: number }[] }>("GetMetrics", request);
    return answer.metricValues[0]?.metricValue ?? Number.NaN;
  }

  /** Calls `onAnswer` with each that comes; resolves with the code with which the stream ends. */
  follow(ref: ObjectRef, onAnswer: (isActive: boolean) => void): { cancel(): void; ended: Promise<number> } {
    const open = this.#client["StreamIsActive"] as unknown as (
      request: ObjectRef,
    ) => ClientReadableStream<{ result: boolean }>;
    const stream = open.call(this.#client, ref);
    stream.on("data", ({ result }: { result: boolean }) => onAnswer(result));
    const ended = new Promise<number>((resolve) => {
      stream.on("error", (error: Error & { code: number }) => resolve(error.code));
      stream.on("end", () => resolve(0));
    });
    return { cancel: () => stream.cancel(), ended };
  }

  close(): void {
    this.#client.close();
  }

  #call<Answer>(method: string, request: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#client[method]?.(request, (error, answer) =>
        error === null ? resolve(answer as Answer) : reject(error),
      );
    });
  }
}
