/** The description of the API, made from the very routes that answer (pure). */
import { z } from "zod";

import type { Route } from "./route.ts";

export function describeApi(routes: readonly Route[], version: string): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const each of routes) {
    const path = `/api${each.path.replace(/:(\w+)/g, "{$1}")}`;
    paths[path] = { ...paths[path], [each.method.toLowerCase()]: operationOf(each) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Mailfleet web administration", version },
    paths,
    components: {
      securitySchemes: {
        session: { type: "apiKey", in: "cookie", name: "mailfleet_session" },
        page: { type: "apiKey", in: "header", name: "x-csrf-token" },
      },
    },
  };
}

function operationOf(each: Route): Record<string, unknown> {
  const parameters = [...each.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  return {
    operationId: each.name,
    summary: each.summary,
    ...(each.role === null
      ? {}
      : { description: `Needs the role ${each.role}.`, security: [security(each)] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(each.body === null ? {} : { requestBody: { required: true, content: jsonOf(each.body, "input") } }),
    responses: {
      ...(each.answer === null
        ? each.isBrowsed
          ? { "303": { description: "To another page" } }
          : { "200": { description: "A stream of lines", content: { "application/x-ndjson": {} } } }
        : { "200": { description: "Done", content: jsonOf(each.answer, "output") } }),
      default: { description: "A refusal: { code, message }" },
    },
  };
}

function security({ isAction }: Route): Record<string, readonly string[]> {
  return isAction ? { session: [], page: [] } : { session: [] };
}

function jsonOf(schema: z.ZodType, io: "input" | "output"): Record<string, unknown> {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return { "application/json": { schema: described } };
}
