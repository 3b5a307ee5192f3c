/** `opentelemetry` of smtpd-app.yaml: where spans of mail go. An extension; docs/tracing.md describes it. */
import { z } from "zod";

export const TelemetryConfig = z.strictObject({
  endpoint: z
    .url({ protocol: /^https?$/ })
    .describe("Where spans are posted by OTLP/HTTP as JSON, with its path: http://collector:4318/v1/traces."),
  headersfile: z
    .string()
    .startsWith("/")
    .optional()
    .describe("File with headers for the receiver, one `name: value` a line; read on reload."),
  ratio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("Share of sessions, with all that becomes of their mail."),
  servicename: z.string().min(1).max(128).default("mailfleet").describe("service.name of the spans."),
});
export type TelemetryConfig = z.infer<typeof TelemetryConfig>;
