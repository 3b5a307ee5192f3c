/**
 * KEDA's external scaler interface (package externalscaler, service ExternalScaler) as a gRPC service definition.
 * Field numbers are KEDA's. Integer fields are the old form of the float ones; both are sent, old KEDAs read the
 * integers. Built from a descriptor in code, so that the program stays one file.
 */
import { type ServiceDefinition, loadPackageDefinition } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";

export interface ScaledObjectRef {
  readonly name: string;
  readonly namespace: string;
  readonly scalerMetadata: Readonly<Record<string, string>>;
}

export interface MetricSpec {
  readonly metricName: string;
  readonly targetSize: number;
  readonly targetSizeFloat: number;
}

export interface MetricValue {
  readonly metricName: string;
  readonly metricValue: number;
  readonly metricValueFloat: number;
}

const field = (type: string, id: number): { type: string; id: number } => ({ type, id });
const list = (type: string, id: number): { rule: "repeated"; type: string; id: number } => ({
  rule: "repeated",
  type,
  id,
});

const descriptor = {
  nested: {
    externalscaler: {
      nested: {
        ExternalScaler: {
          methods: {
            IsActive: { requestType: "ScaledObjectRef", responseType: "IsActiveResponse" },
            StreamIsActive: {
              requestType: "ScaledObjectRef",
              responseType: "IsActiveResponse",
              responseStream: true,
            },
            GetMetricSpec: { requestType: "ScaledObjectRef", responseType: "GetMetricSpecResponse" },
            GetMetrics: { requestType: "GetMetricsRequest", responseType: "GetMetricsResponse" },
          },
        },
        ScaledObjectRef: {
          fields: {
            name: field("string", 1),
            namespace: field("string", 2),
            scalerMetadata: { keyType: "string", type: "string", id: 3 },
          },
        },
        IsActiveResponse: { fields: { result: field("bool", 1) } },
        GetMetricSpecResponse: { fields: { metricSpecs: list("MetricSpec", 1) } },
        MetricSpec: {
          fields: {
            metricName: field("string", 1),
            targetSize: field("int64", 2),
            targetSizeFloat: field("double", 3),
          },
        },
        GetMetricsRequest: {
          fields: { scaledObjectRef: field("ScaledObjectRef", 1), metricName: field("string", 2) },
        },
        GetMetricsResponse: { fields: { metricValues: list("MetricValue", 1) } },
        MetricValue: {
          fields: {
            metricName: field("string", 1),
            metricValue: field("int64", 2),
            metricValueFloat: field("double", 3),
          },
        },
      },
    },
  },
};

// The descriptor is plain data in protobufjs' JSON form; its type there is too narrow for literals.
const loaded = loadPackageDefinition(
  fromJSON(descriptor as Parameters<typeof fromJSON>[0], { longs: Number, defaults: true, keepCase: true }),
);

interface Loaded {
  readonly externalscaler: {
    readonly ExternalScaler: {
      readonly service: ServiceDefinition;
      new (...args: readonly unknown[]): unknown;
    };
  };
}

/** The constructor of a client, for tests; its `service` is what a server serves. */
export const ExternalScaler = (loaded as unknown as Loaded).externalscaler.ExternalScaler;
