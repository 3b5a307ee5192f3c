/** The options of http() as a wish for the port: URL, headers, times, TLS, and how it is made in the background. */
import type { RunContext } from "../context.ts";
import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { MAX_STRING } from "../limits.ts";
import type { BackgroundWish, HttpWish } from "../http-port.ts";
import { HslArray } from "../value.ts";
import { urlEncode } from "./encoding.ts";
import type { Body } from "./http-body.ts";
import { flag, fromBytes, option } from "./subjects.ts";
import { namedCertificate, tlsOptions } from "./tls-options.ts";

const CONNECT_SECONDS = 10;
/** Also for a script that wants no limit. */
const MAX_REDIRECTS = 20;

export function wishOf(
  context: RunContext,
  url: URL,
  options: HslArray | undefined,
  body: Body | null,
): HttpWish {
  const tls = tlsOptions(options);
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
    redirects: redirectsOf(Number(option(options, "redirects") ?? 0)),
    tls: { ...tls, certificate: tls.certificate ?? namedCertificate(context, name("tls_client_cert")) },
    proxy: name("proxy"),
    unixPath: name("unix_socket_path"),
    sourceIp: name("sourceip"),
    sourceIpId: name("sourceipid"),
  };
}

function redirectsOf(wanted: number): number {
  return wanted < 0 ? MAX_REDIRECTS : Math.min(Math.trunc(wanted) || 0, MAX_REDIRECTS);
}

/** How `background` and its kin want a request made; null: now. */
export function backgroundOf(options: HslArray | undefined): BackgroundWish | null {
  if (!flag(options, "background")) return null;
  const number = (name: string): number => Math.max(Number(option(options, name) ?? 0), 0) || 0;
  return {
    queue: Math.trunc(number("background_hash")),
    retries: Math.trunc(number("background_retry_count")),
    delayMs: number("background_retry_delay") * 1000,
  };
}

/**
 * The URL with `$1`, `$2`, … replaced by the first, second, … value, encoded; null when it is none of http or https.
 * Without a scheme it is one of http, as for curl.
 */
export function urlOf(text: string, get: HslArray | undefined): URL | null {
  const values = get?.values() ?? [];
  const filled = text.replace(/\$([1-9]\d*)/g, (mark, digits: string) => {
    const value = values[Number(digits) - 1];
    return value === undefined ? mark : urlEncode(toText(value));
  });
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(filled) ? filled : `http://${filled}`;
  const url = URL.parse(fromBytes(whole));
  return url !== null && /^https?:$/.test(url.protocol) ? url : null;
}

function methodOf(name: string | null, body: Body | null): string {
  const method = name?.toUpperCase() ?? (body === null ? "GET" : "POST");
  if (!/^[A-Z]{1,20}$/.test(method) || method === "CONNECT")
    throw new Refusal(`there is no method ${method}`);
  return method;
}

/** Those that the client writes by itself, by what it sends. */
const ownHeaders: ReadonlySet<string> = new Set(["expect", "transfer-encoding"]);

/** Lines "Name: value", or values by name; without a value a header is left out, also one that would be sent otherwise. */
function headersOf(options: HslArray | undefined, body: Body | null): (readonly [string, string])[] {
  const written = option(options, "headers");
  const lines = written instanceof HslArray ? [...written.entries()] : [];
  const given = lines.map(([key, value]): readonly [string, string] => {
    const line = typeof key === "number" ? toText(value) : `${key}: ${toText(value)}`;
    const [, name = "", rest = ""] = /^([!#$%&'*+.^_`|~\w-]+)\s*:\s*([^\r\n\0]*)$/.exec(line) ?? [];
    if (name === "") throw new Refusal(`${line} is no header of HTTP`);
    return [name, rest];
  });
  const has = (name: string): boolean => given.some(([one]) => one.toLowerCase() === name);
  const headers = given.filter(([name, value]) => value !== "" && !ownHeaders.has(name.toLowerCase()));
  if (body !== null && !has("content-type")) headers.push(["Content-Type", body.type]);
  const user = option(options, "username");
  if (user !== null) {
    const both = Buffer.from(`${toText(user)}:${toText(option(options, "password"))}`, "latin1");
    headers.push(["Authorization", `Basic ${both.toString("base64")}`]);
  }
  return headers;
}
