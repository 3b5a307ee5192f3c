/**
 * A server of type http: mail over HTTP, multipart with a part `options` (JSON) before a part `rfc822`, each perhaps
 * with `.gzip` behind its name. Who asks shows a key of the server's key file. The message streams past the script at
 * the end of data into the spool; 200 means that it is on disk. Sizes are bounded before and after unpacking.
 */
import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import multipart, { type MultipartFile } from "@fastify/multipart";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { describe } from "#base/error.ts";
import { makeHttpServer } from "#base/http-server.ts";
import { parseJson } from "#base/json.ts";
import type { Log } from "#base/log.ts";
import { isSameSecret } from "#base/secret.ts";
import { type SubmissionAnswer, SubmissionOptions } from "#contract/submission-api.ts";

import { type InjectedAddress, type InjectionOptions, NOT_NOW, beginInjection } from "./injection.ts";
import { bytesOf } from "../hooks/texts.ts";
import { Crlf } from "../smtp/crlf.ts";
import type { IntakeResult, Reception } from "../intake/intake.ts";
import { decodeJson } from "../script/library/json.ts";

export interface SubmissionServerOptions {
  readonly serverId: string;
  /** Of keys, one a line; read at each request, since they are renewed while the engine runs. */
  readonly keyFile: () => string | null;
  readonly maxBytes: () => number;
  readonly injection: InjectionOptions;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly log: Log;
}

const MAX_OPTIONS_BYTES = 1024 * 1024;
const REASONS: Readonly<Record<number, string>> = {
  421: NOT_NOW,
  550: "No such server",
  553: "An address is not one of RFC 5321",
  554: "No sender or no recipient",
};

/** A request that is none. */
class BadRequest extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function makeSubmissionServer(options: SubmissionServerOptions): Promise<FastifyInstance> {
  const server = makeHttpServer({
    // The real bounds are on the parts; this one is for what lies between them.
    maxBodyBytes: Number.MAX_SAFE_INTEGER,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  await server.register(multipart, { limits: { files: 2, fields: 2, parts: 4, headerPairs: 20 } });
  server.post("/v1/submission", async (request, reply) => {
    if (!(await hasKey(request, options)))
      return fail(reply, 401, "X-API-Key is missing or not one of the server's");
    try {
      return await submit(request, reply, options);
    } catch (error) {
      if (error instanceof BadRequest) return fail(reply, error.status, error.message);
      const { statusCode } = error as { statusCode?: number };
      if (statusCode !== undefined && statusCode < 500) return fail(reply, statusCode, describe(error));
      options.log.warn({ server: options.serverId, error: describe(error) }, "submission-failed");
      return fail(reply, 400, "the request ended early or is no multipart/form-data");
    }
  });
  return server;
}

async function submit(
  request: FastifyRequest,
  reply: FastifyReply,
  options: SubmissionServerOptions,
): Promise<unknown> {
  if (!request.isMultipart()) throw new BadRequest(415, "the request must be multipart/form-data");
  let wishes: SubmissionOptions | null = null;
  for await (const part of request.parts()) {
    const name = part.fieldname.replace(/\.gzip$/, "");
    if (name === "options") wishes = readOptions(await textOf(part));
    else if (name !== "rfc822") throw new BadRequest(400, `there is no part "${part.fieldname}"`);
    else if (wishes === null) throw new BadRequest(400, 'the part "options" must come before "rfc822"');
    else return send(reply, request, await take(request, { part, wishes }, options), wishes);
  }
  throw new BadRequest(400, 'the part "rfc822" is missing');
}

type Part = MultipartFile | { readonly type: "field"; readonly fieldname: string; readonly value: unknown };

async function take(
  request: FastifyRequest,
  { part, wishes }: { part: Part; wishes: SubmissionOptions },
  { injection, serverId, maxBytes }: SubmissionServerOptions,
): Promise<IntakeResult> {
  const { metadata } = wishes;
  const reception = beginInjection(injection, {
    serverId,
    sender: wishes.sender === null ? null : injected(wishes.sender),
    recipients: wishes.recipients.map(injected),
    isEightBit: true,
    origin: { remoteIp: request.ip, remotePort: request.socket.remotePort ?? 0, helo: "http" },
    told: {
      ...(metadata === undefined ? {} : { metadata: decodeJson(JSON.stringify(metadata), false) }),
      http: { remoteip: request.ip, method: request.method, url: request.url },
    },
  });
  if (typeof reception === "number") {
    await drain(part);
    return refusal(reception, REASONS[reception] ?? "");
  }
  try {
    return await store(part, reception, maxBytes());
  } catch (error) {
    reception.abort();
    throw error;
  }
}

async function store(part: Part, reception: Reception, maxBytes: number): Promise<IntakeResult> {
  const crlf = new Crlf();
  let bytes = 0;
  for await (const chunk of streamOf(part)) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      reception.abort();
      return refusal(552, "Message exceeds the size limit");
    }
    await reception.write(crlf.push(chunk));
  }
  await reception.write(crlf.end());
  return reception.commit();
}

function refusal(code: number, text: string): IntakeResult {
  return { kind: "refused", reply: { code, enhanced: `${Math.floor(code / 100)}.0.0`, text } };
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

async function textOf(part: Part): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of streamOf(part)) {
    bytes += chunk.length;
    if (bytes > MAX_OPTIONS_BYTES) throw new BadRequest(413, 'the part "options" is larger than 1 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The bytes of a part, unpacked; a part without a file name comes as a field. */
async function* streamOf(part: Part): AsyncIterable<Buffer> {
  const source: Readable | Buffer[] =
    part.type === "file" ? part.file : [Buffer.from(String(part.value), "utf8")];
  if (!part.fieldname.endsWith(".gzip")) return yield* source as AsyncIterable<Buffer>;
  if (Array.isArray(source)) throw new BadRequest(400, "a part that is packed must have a file name");
  try {
    yield* source.pipe(createGunzip()) as AsyncIterable<Buffer>;
  } catch (error) {
    throw new BadRequest(400, `the part "${part.fieldname}" cannot be unpacked: ${describe(error)}`);
  }
}

/** Of the text that JSON holds. */
function injected({ localpart, domain }: InjectedAddress): InjectedAddress {
  return { localpart: bytesOf(localpart), domain: domain === null ? null : bytesOf(domain) };
}

async function drain(part: Part): Promise<void> {
  for await (const _ of streamOf(part));
}

/** Every key is compared, so that the time taken tells nothing. */
async function hasKey(
  request: FastifyRequest,
  { keyFile, log, serverId }: SubmissionServerOptions,
): Promise<boolean> {
  const shown = request.headers["x-api-key"];
  const path = keyFile();
  if (typeof shown !== "string" || path === null) return false;
  try {
    const keys = (await readFile(path, "utf8"))
      .split(/\r?\n/)
      .filter((line) => line !== "" && !line.startsWith("#"));
    return keys.map((key) => isSameSecret(shown, key)).includes(true);
  } catch (error) {
    log.error({ server: serverId, path, error: describe(error) }, "submission-keys-unreadable");
    return false;
  }
}

function fail(reply: FastifyReply, status: number, message: string): unknown {
  return reply.code(status).send({ code: status === 401 ? "unauthorized" : "bad-request", message });
}
