/** The function http(): one request with its options, its answer as text or with status and headers. */
import { callback } from "../calls.ts";
import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { MAX_STRING } from "../limits.ts";
import { meter } from "../meter.ts";
import type { HttpAnswer, NoResult } from "../http-port.ts";
import { port } from "../ports.ts";
import type { RunContext } from "../context.ts";
import { type HslArray, HslFunction, type Routine, type Value } from "../value.ts";
import { bodyOf } from "./http-body.ts";
import { backgroundOf, urlOf, wishOf } from "./http-wish.ts";
import { wait } from "./mail-signing.ts";
import { flag, list, record } from "./subjects.ts";

const MAX_POST = MAX_STRING;
/** Of a function that posts, a call. */
const WANTED_BYTES = 65_536;

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
    docs: 'Asks a web server: the body of an answer of 2XX, none for anything else. `$1`, `$2`, … in the URL become the values of `get`, encoded. `post` is a text, a File, an array (multipart/form-data), or a function that gives texts until none or an empty one, and is told how many bytes are wanted. Options: `method`, `headers` (list of lines; without a value a header is left out), `connect_timeout` (10), `timeout` (seconds, once connected), `max_file_size`, `redirects` (0; at most 20, which -1 asks for), `response_headers` (the whole answer as text, whatever its status), `extended_result` (status, content, which is the body, and headers, whatever else is asked for; none without an answer), `proxy` (that of the environment; "" for none), `unix_socket_path`, `sourceip`, `sourceipid` (a source address by name), `username`, `password`, `tls_verify_peer`, `tls_verify_host`, `tls_default_ca` (all true), `tls_ca`, `tls_verify_cert`, `tls_client_cert` (a certificate of pki.private by name). With `background` it gives true once the request is queued, none when it cannot be; `background_hash` (0) chooses a queue, whose requests are made in turn, `background_retry_count` (0) and `background_retry_delay` (0 seconds) say how often it is made again when there was no answer of 2XX.',
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
  const target = urlOf(url, get);
  if (target === null) return noResult(context, { url: null, why: { error: "no URL of http or https" } });
  const wish = wishOf(context, target, options, bodyOf(given));
  const how = backgroundOf(options);
  const http = port(context, "http");
  if (how !== null) return yield* wait(http.background(wish, how).then((isQueued) => isQueued || null));
  return yield* wait(
    http.request(wish, context.signal).then((answer) => {
      if ("error" in answer) return noResult(context, { url: target, why: answer });
      const result = answerOf(answer, options);
      return result ?? noResult(context, { url: target, why: { status: answer.status } });
    }),
  );
}

/** Of a script that has ended nobody hears none. */
function noResult(context: RunContext, nothing: NoResult): null {
  if (!context.signal.aborted) context.ports?.http?.note(nothing);
  return null;
}

/** What a function gives, call after call, until it gives none or nothing. It is told how many bytes are wanted, as public scripts read a File with that. */
function* collected(fn: HslFunction): Routine {
  let text = "";
  for (;;) {
    const more = fn.most === 0 ? yield* callback(fn) : yield* callback(fn, WANTED_BYTES);
    if (more === null || more === "" || more === false) return text;
    text += toText(more);
    if (text.length > MAX_POST) throw new Refusal("the data for http() is too long");
    meter.allocate(toText(more).length);
  }
}

function answerOf(answer: HttpAnswer, options: HslArray | undefined): Value {
  const { status, reason, body } = answer;
  const lines = answer.headers.map(([name, value]) => `${name}: ${value}`);
  const isWhole = flag(options, "response_headers");
  const content = body.toString("latin1");
  if (flag(options, "extended_result")) return record({ status, content, headers: list(lines) });
  if (isWhole) return [`HTTP/1.1 ${status} ${reason}`, ...lines, "", content].join("\r\n");
  return status >= 200 && status < 300 ? content : null;
}
