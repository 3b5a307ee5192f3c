/** The function http(): one request with its options, its answer as text or with status and headers. */
import { randomUUID } from "node:crypto";

import { callback } from "../calls.ts";
import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { MAX_STRING } from "../limits.ts";
import { meter } from "../meter.ts";
import { Pieces } from "../mail/pieces.ts";
import { type HttpAnswer, type HttpWish, port } from "../ports.ts";
import type { RunContext } from "../context.ts";
import { HostObject, HslArray, HslFunction, type Routine, type Value } from "../value.ts";
import { fileBytes } from "./file.ts";
import { wait } from "./mail-signing.ts";
import { flag, list, option, record } from "./subjects.ts";
import { tlsOptions } from "./tls-options.ts";

/** libcurl's, whose options these are. */
const CONNECT_SECONDS = 300;
const MAX_POST = MAX_STRING;

export const httpFunctions: readonly HostFunction[] = [
  declare({
    name: "http",
    parameters: [
      parameter.string("url"),
      optional(parameter.array("options")),
      optional(parameter.array("get")),
      optional(parameter.any("post")),
    ],
    returns: "string, array or none",
    docs: "Asks a web server: the body, or none for any failure and for a status of 400 and above. `get` becomes the query. `post` is a text, a File, an array (multipart/form-data), or a function that gives texts until none. Options: `method`, `headers` (list of lines), `timeout`, `connect_timeout`, `max_file_size`, `redirects` (0), `response_headers`, `extended_result` (status, content, headers; or error), `proxy`, `unix_socket_path`, `sourceip`, `username`, `password`, `tls_verify_peer`, `tls_verify_host`, `tls_default_ca` (all true), `tls_ca`, `tls_verify_cert`.",
    way: "promise",
    run: ask,
  }),
];

function* ask(
  context: RunContext,
  url: string,
  options: HslArray | undefined,
  get: HslArray | undefined,
  post: Value | undefined,
): Routine {
  const given = post instanceof HslFunction ? yield* collected(post) : (post ?? null);
  const wish = wishOf(url, options, get, bodyOf(given));
  const answered = port(context, "http").request(wish, context.signal);
  return yield* wait(answered.then((answer) => answerOf(answer, options)));
}

/** What a function gives, call after call, until it gives none or nothing. */
function* collected(fn: HslFunction): Routine {
  let text = "";
  for (;;) {
    const more = fn.most === 0 ? yield* callback(fn) : yield* callback(fn, text.length);
    if (more === null || more === "" || more === false) return text;
    text += toText(more);
    if (text.length > MAX_POST) throw new Refusal("the data for http() is too long");
    meter.allocate(toText(more).length);
  }
}

interface Body {
  readonly bytes: Pieces;
  readonly type: string;
}

function bodyOf(post: Value): Body | null {
  if (post === null) return null;
  if (post instanceof HslArray) return formOf(post);
  const file = post instanceof HostObject ? fileBytes(post) : undefined;
  if (file !== undefined) return { bytes: file, type: "application/octet-stream" };
  return { bytes: Pieces.of(toText(post)), type: "application/x-www-form-urlencoded" };
}

/** RFC 7578. A File, or an array of data, filename and type, is a file of the form. */
function formOf(fields: HslArray): Body {
  const boundary = randomUUID();
  const parts = [...fields.entries()].map(([name, value]) => {
    const more = value instanceof HslArray ? value : undefined;
    const data = more === undefined ? value : (more.get("data") ?? more.get("file"));
    const file = data instanceof HostObject ? fileBytes(data) : undefined;
    const fileName = option(more, "filename") ?? (file === undefined ? null : String(name));
    const type = option(more, "type");
    const head = [
      `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(String(name))}"`,
      fileName === null ? "" : `; filename="${quoted(toText(fileName))}"`,
      type === null ? "" : `\r\nContent-Type: ${oneLine(toText(type))}`,
      "\r\n\r\n",
    ];
    return Pieces.join([Pieces.of(head.join("")), file ?? Pieces.of(toText(data)), Pieces.of("\r\n")]);
  });
  const bytes = Pieces.join([...parts, Pieces.of(`--${boundary}--\r\n`)]);
  return { bytes, type: `multipart/form-data; boundary=${boundary}` };
}

function quoted(text: string): string {
  return text.replace(
    /["\r\n]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
  );
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\0]+/g, " ");
}

function wishOf(
  text: string,
  options: HslArray | undefined,
  get: HslArray | undefined,
  body: Body | null,
): HttpWish {
  const url = urlOf(text, get);
  const seconds = (name: string, otherwise: number): number => {
    const value = Number(option(options, name) ?? otherwise);
    return value >= 0 ? value * 1000 : otherwise * 1000;
  };
  const name = (key: string): string | null => {
    const value = option(options, key);
    return value === null ? null : toText(value);
  };
  return {
    url,
    method: methodOf(name("method"), body),
    headers: headersOf(options, body),
    body: body?.bytes ?? null,
    timeoutMs: seconds("timeout", 0),
    connectTimeoutMs: seconds("connect_timeout", CONNECT_SECONDS),
    maxBytes: Math.min(Number(option(options, "max_file_size") ?? MAX_STRING) || MAX_STRING, MAX_STRING),
    redirects: Math.min(Math.max(Math.trunc(Number(option(options, "redirects") ?? 0)) || 0, 0), 20),
    tls: tlsOptions(options),
    proxy: name("proxy"),
    unixPath: name("unix_socket_path"),
    sourceIp: name("sourceip"),
  };
}

function urlOf(text: string, get: HslArray | undefined): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Refusal(`${text} is no URL of http or https`);
  for (const [name, value] of get?.entries() ?? [])
    url.searchParams.append(utf8(String(name)), utf8(toText(value)));
  return url;
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

function methodOf(name: string | null, body: Body | null): string {
  const method = name?.toUpperCase() ?? (body === null ? "GET" : "POST");
  if (!/^[A-Z]{1,20}$/.test(method) || method === "CONNECT")
    throw new Refusal(`there is no method ${method}`);
  return method;
}

/** Lines "Name: value", or values by name. */
function headersOf(options: HslArray | undefined, body: Body | null): (readonly [string, string])[] {
  const given = option(options, "headers");
  const lines = given instanceof HslArray ? [...given.entries()] : [];
  const headers = lines.map(([key, value]): readonly [string, string] => {
    const line = typeof key === "number" ? toText(value) : `${key}: ${toText(value)}`;
    const [, name = "", rest = ""] = /^([!#$%&'*+.^_`|~\w-]+)\s*:\s*([^\r\n\0]*)$/.exec(line) ?? [];
    if (name === "") throw new Refusal(`${line} is no header of HTTP`);
    return [name, rest];
  });
  const has = (name: string): boolean => headers.some(([one]) => one.toLowerCase() === name);
  if (body !== null && !has("content-type")) headers.push(["Content-Type", body.type]);
  const user = option(options, "username");
  if (user !== null) {
    const both = Buffer.from(`${toText(user)}:${toText(option(options, "password"))}`, "latin1");
    headers.push(["Authorization", `Basic ${both.toString("base64")}`]);
  }
  return headers;
}

/** From here on a failure is a server error, and none without `extended_result`. */
const LEAST_FAILURE = 400;

function answerOf(answer: HttpAnswer | { readonly error: string }, options: HslArray | undefined): Value {
  const isExtended = flag(options, "extended_result");
  if ("error" in answer) return isExtended ? record({ error: answer.error }) : null;
  const content = answer.body.toString("latin1");
  const headers = (): HslArray => list(answer.headers.map(([name, value]) => `${name}: ${value}`));
  if (isExtended) return record({ status: answer.status, content, headers: headers() });
  if (answer.status >= LEAST_FAILURE) return null;
  return flag(options, "response_headers") ? list([headers(), content]) : content;
}
