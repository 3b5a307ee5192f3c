/** What routes do with input of the wrong shape: 400, with each problem and where it stands. */
import type { FastifyReply } from "fastify";
import type { z } from "zod";

/** `handle` is called with what the schema made of the input, or not at all. */
export function withShape<T extends z.ZodType>(
  reply: FastifyReply,
  schema: T,
  input: unknown,
  handle: (value: z.infer<T>) => unknown,
): unknown {
  const parsed = schema.safeParse(input);
  return parsed.success ? handle(parsed.data) : badRequest(reply, parsed.error);
}

export function badRequest(reply: FastifyReply, error: z.ZodError): FastifyReply {
  const message = error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  return reply.code(400).send({ code: "bad-request", message });
}
