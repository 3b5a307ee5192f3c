/**
 * A server of type http: mail over HTTP, a form with a part `options` (JSON) and a part `rfc822` (submission-form.ts). Who
 * asks shows a key of the server's key file. The message streams past the script at the end of data into the spool; 200
 * means that it is on disk. Sizes are bounded before and after unpacking. Nothing is kept of a request that is none, nor of
 * one that breaks off.
 */
import { TextDecoder } from "node:util";
import multipart from "@fastify/multipart";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import { makeHttpServer } from "#base/http-server.ts";
import { parseJson } from "#base/json.ts";
import type { Log } from "#base/log.ts";
import { type SubmissionAnswer, SubmissionOptions } from "#contract/submission-api.ts";

import { type InjectedAddress, type InjectionOptions, NOT_NOW, beginInjection } from "./injection.ts";
import { bytesOf } from "../hooks/texts.ts";
import type { IntakeResult, Reception } from "../intake/intake.ts";
import { decodeJson } from "../script/library/json.ts";
import { Crlf } from "../smtp/crlf.ts";
import { lingerBehindAnswers } from "./lingering-close.ts";
import { BadRequest, SubmissionForm, formRules } from "./submission-form.ts";
import { isKeyOf } from "./submission-keys.ts";

export interface SubmissionServerOptions {
  readonly serverId: string;
  /** Of keys, one a line; read at each request, since they are renewed while the engine runs. */
  readonly keyFile: () => string | null;
  readonly maxBytes: () => number;
  readonly maxRecipients: () => number;
  readonly injection: InjectionOptions;
  readonly clock: Clock;
  readonly log: Log;
}

const MAX_OPTIONS_BYTES = 1024 * 1024;
/** For the end of a message (RFC 5321 4.5.3.2.6): large mail over a slow line takes its time. */
const REQUEST_MS = 600_000;
const REASONS: Readonly<Record<number, string>> = {
  421: NOT_NOW,
  550: "No such server",
  553: "An address is not one of RFC 5321",
  554: "No sender or no recipient",
};

export async function makeSubmissionServer(options: SubmissionServerOptions): Promise<FastifyInstance> {
  const server = makeHttpServer({ requestMs: REQUEST_MS, letsRequestsEnd: true });
  lingerBehindAnswers(server, options.clock);
  // Forms alone are read: other parsers would hold a whole body before anybody asked for a key.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", (_request, _body, done) => done(null));
  await server.register(multipart, formRules);
  server.post("/v1/submission", async (request, reply) => {
    try {
      await expectKey(request, options);
      return await submit(request, reply, options);
    } catch (error) {
      if (error instanceof BadRequest) return fail(reply, error.status, error.message);
      options.log.error({ server: options.serverId, error: describe(error) }, "submission-failed");
      return fail(reply, 500, "internal error, see the log");
    }
  });
  return server;
}

async function submit(
  request: FastifyRequest,
  reply: FastifyReply,
  options: SubmissionServerOptions,
): Promise<unknown> {
  const form = new SubmissionForm(request);
  const wishes = readOptions(await textOf(await form.part("options")));
  const message = await form.part("rfc822");
  const begun = begin(request, wishes, options);
  const result = "kind" in begun ? begun : await store({ form, message }, begun, options.maxBytes());
  return send(reply, request, result, wishes);
}

function begin(
  request: FastifyRequest,
  { sender, recipients, metadata }: SubmissionOptions,
  { injection, serverId, maxRecipients }: SubmissionServerOptions,
): Reception | IntakeResult {
  const most = maxRecipients();
  // No 452 as by SMTP, where those beyond come again without the others: the same request would come again, as a whole.
  if (recipients.length > most)
    return refusal(
      554,
      `More than ${most} recipients (phases.rcptto.maxrecipients), use several requests`,
      "5.5.3",
    );
  const begun = beginInjection(injection, {
    serverId,
    sender: sender === null ? null : injected(sender),
    recipients: recipients.map(injected),
    isEightBit: true,
    origin: { remoteIp: request.ip, remotePort: request.socket.remotePort ?? 0, helo: "http" },
    told: {
      ...(metadata === undefined ? {} : { metadata: decodeJson(JSON.stringify(metadata), false) }),
      http: { remoteip: request.ip, method: request.method, url: request.url },
    },
  });
  return typeof begun === "number" ? refusal(begun, REASONS[begun] ?? "") : begun;
}

/** Nothing is committed before the form has come to its end: half of one may look like a whole message. */
async function store(
  { form, message }: { readonly form: SubmissionForm; readonly message: AsyncIterable<Buffer> },
  reception: Reception,
  maxBytes: number,
): Promise<IntakeResult> {
  try {
    const crlf = new Crlf();
    let bytes = 0;
    for await (const chunk of message) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        reception.abort();
        return refusal(552, "Message exceeds the size limit");
      }
      await reception.write(crlf.push(chunk));
    }
    await reception.write(crlf.end());
    await form.end();
  } catch (error) {
    reception.abort();
    throw error;
  }
  return reception.commit();
}

function refusal(code: number, text: string, enhanced = `${Math.floor(code / 100)}.0.0`): IntakeResult {
  return { kind: "refused", reply: { code, enhanced, text } };
}

function send(
  reply: FastifyReply,
  request: FastifyRequest,
  result: IntakeResult,
  { metadata }: SubmissionOptions,
): unknown {
  const { code, enhanced, reason } = wordsOf(result);
  const answer: SubmissionAnswer = {
    result: { code, enhanced, reason },
    ...(result.kind === "accepted" ? { transaction: { id: result.id } } : {}),
    ...(metadata === undefined ? {} : { metadata }),
  };
  const isPretty = (request.query as { pretty?: string }).pretty === "true";
  const status = code < 300 ? 200 : code < 500 ? 503 : 422;
  return reply
    .code(status)
    .type("application/json")
    .send(JSON.stringify(answer, null, isPretty ? 2 : 0));
}

/** What an SMTP client would have read, line by line. */
function wordsOf(result: IntakeResult): SubmissionAnswer["result"] {
  if (result.said !== undefined) {
    const lines = result.said.bytes.toString().trimEnd().split("\r\n");
    const heads = lines.map((line) => /^\d{3}[ -](?:([245]\.\d{1,3}\.\d{1,3}) )?(.*)$/.exec(line));
    const enhanced = heads[0]?.[1]?.split(".").map(Number) ?? [];
    return { code: result.said.code, enhanced, reason: heads.map((head) => head?.[2] ?? "") };
  }
  if (result.kind === "accepted") return { code: 250, enhanced: [2, 0, 0], reason: ["Ok"] };
  const { code, enhanced, text } = result.reply;
  return { code, enhanced: enhanced.split(".").map(Number), reason: [text] };
}

function readOptions(text: string): SubmissionOptions {
  let json: unknown;
  try {
    json = parseJson(text);
  } catch {
    throw new BadRequest(400, 'the part "options" is no JSON');
  }
  const parsed = SubmissionOptions.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BadRequest(400, `options: ${issue?.path.join(".") || "(all)"}: ${issue?.message ?? "wrong"}`);
}

/** Bytes that are no UTF-8 must not become letters of an address (RFC 8259 8.1). */
async function textOf(part: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of part) {
    bytes += chunk.length;
    if (bytes > MAX_OPTIONS_BYTES) throw new BadRequest(413, 'the part "options" is larger than 1 MiB');
    chunks.push(chunk);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new BadRequest(400, 'the part "options" is not UTF-8');
  }
}

/** Of the text that JSON holds. */
function injected({ localpart, domain }: InjectedAddress): InjectedAddress {
  return { localpart: bytesOf(localpart), domain: domain === null ? null : bytesOf(domain) };
}

/** Keys that cannot be read say nothing about the one that is shown. */
async function expectKey(
  { headers }: FastifyRequest,
  { keyFile, log, serverId }: SubmissionServerOptions,
): Promise<void> {
  const shown = headers["x-api-key"];
  const path = keyFile();
  const isKey = async (): Promise<boolean> =>
    typeof shown === "string" && path !== null && (await isKeyOf(path, shown));
  const isKnown = await isKey().catch((error: unknown) => {
    log.error({ server: serverId, path, error: describe(error) }, "submission-keys-unreadable");
    throw new BadRequest(503, "the server's keys cannot be read, come again");
  });
  if (!isKnown) throw new BadRequest(401, "X-API-Key is missing or not one of the server's");
}

function fail(reply: FastifyReply, status: number, message: string): unknown {
  const code = status === 401 ? "unauthorized" : status < 500 ? "bad-request" : "internal";
  return reply.code(status).send({ code, message });
}
