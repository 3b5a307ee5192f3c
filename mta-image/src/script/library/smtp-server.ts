/**
 * The argument `server` of send(), smtp_lookup_rcpt() and smtp_lookup_auth(), as the language's manual has it: the name of a
 * transport, or an array of options. A text that names no transport is a server, and options that the manual does not know
 * are ours. Throws a Refusal for a value that cannot be meant, so that none is passed over in silence.
 */
import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { parameter } from "../host.ts";
import { type SmtpServer, type SmtpState, type SmtpTls, smtpStates, smtpTlsModes } from "../ports.ts";
import { HslArray, type Value } from "../value.ts";
import { flag, option } from "./subjects.ts";
import { tlsVersions } from "./tls-versions.ts";
import { pemOf } from "./x509.ts";

/** Every option, and what is said of it where it is documented. */
const serverOptions = {
  host: "a name or address, several as a list or with commas; lookup-mx, the default: the recipient's mail exchangers",
  port: "25",
  helo: "the name to say hello with; the default is that of the engine",
  sourceip: "the address to connect from",
  sourceipid: "that address by its name in the configuration",
  nonlocal_source: "that address need not be of this system; the default is false",
  saslusername: "to sign on with; also `username`",
  saslpassword: "also `password`",
  tls: `${smtpTlsModes.join(", ")}; the default is disabled`,
  tls_implicit: "from the first byte, without STARTTLS",
  tls_sni: "the name to ask for, or true for that of the host; the default is none",
  tls_protocols: "such as TLSv1.2,TLSv1.3 or !TLSv1.3",
  tls_ciphers: "as OpenSSL writes them",
  tls_verify_host: "the certificate must be for the host",
  tls_verify_name: "a list, one of which the certificate must be for",
  tls_default_ca: "the usual authorities may vouch; the default is false",
  tls_ca: "authorities of the script's own, as X509 or PEM",
  tls_client_cert: "the name of a certificate of pki.private, with or without pki: before it",
  tls_capture_peer_cert: "gives the server's certificate in the extended result",
  xclient: "attributes by name, sent as XCLIENT",
  protocol: "smtp or lmtp",
  mx_include: "a list of the mail exchangers to use, *.name for any one label before it",
  mx_exclude: "a list of those not to use",
  timeout: `seconds by state (${smtpStates.join(", ")}), or one number for all`,
  connect_timeout: "seconds, 30",
} as const;

export const SERVER_DOCS = `The server is the name of a transport, a server as host[:port], or an array of ${Object.entries(
  serverOptions,
)
  .map(([name, docs]) => `\`${name}\` (${docs})`)
  .join(
    ", ",
  )}. A certificate is verified by the modes that end in verify, and never for a name that no option asks for.`;

export const serverParameter = parameter.of<SmtpServer>("server", "string or array", serverOf);

type Options = HslArray | undefined;
type Name = keyof typeof serverOptions;

function serverOf(value: Value): SmtpServer | undefined {
  if (typeof value === "string") return value === "" ? undefined : { ...read(undefined), transportId: value };
  return value instanceof HslArray ? read(value) : undefined;
}

function read(options: Options): SmtpServer {
  const protocol = text(options, "protocol") ?? "smtp";
  if (protocol !== "smtp" && protocol !== "lmtp") throw new Refusal("protocol is smtp or lmtp");
  return {
    transportId: null,
    server: hostOf(options),
    port: number(option(options, "port" satisfies Name) ?? 25, "port"),
    isLmtp: protocol === "lmtp",
    helo: text(options, "helo"),
    source: text(options, "sourceip") ?? text(options, "sourceipid"),
    isNonlocal: flag(options, "nonlocal_source" satisfies Name),
    tls: tlsOf(options),
    xclient: attributesOf(option(options, "xclient" satisfies Name)),
    exchangers: {
      include: names(options, "mx_include").map(lower),
      exclude: names(options, "mx_exclude").map(lower),
    },
    timeouts: timeoutsOf(option(options, "timeout" satisfies Name)),
    connectMs: number(option(options, "connect_timeout" satisfies Name) ?? 30, "connect_timeout") * 1000,
    username: text(options, "saslusername") ?? words(option(options, "username")),
    password: text(options, "saslpassword") ?? words(option(options, "password")),
  };
}

/** The older name of `host` is `server`. */
function hostOf(options: Options): string | null {
  const given = option(options, "host" satisfies Name) ?? option(options, "server");
  if (given === null || given === "lookup-mx") return null;
  const hosts = listOf(given).map(toText);
  if (hosts.length === 0 || hosts.includes("")) throw new Refusal("host names no server");
  return hosts.join(",");
}

function tlsOf(options: Options): SmtpTls {
  const word = text(options, "tls") ?? "disabled";
  const isImplicit = word === "implicit" || flag(options, "tls_implicit" satisfies Name);
  const mode = smtpTlsModes.find((one) => one === (word === "implicit" ? "require" : word));
  if (mode === undefined) throw new Refusal(`tls is none of ${smtpTlsModes.join(", ")}`);
  const protocols = option(options, "tls_protocols" satisfies Name);
  const versions = protocols === null ? null : tlsVersions(protocols);
  if (versions === undefined)
    throw new Refusal("tls_protocols leaves no version that there is, such as TLSv1.2");
  const sni = option(options, "tls_sni" satisfies Name);
  const ca = option(options, "tls_ca" satisfies Name);
  return {
    mode,
    isImplicit,
    serverName: typeof sni === "string" ? sni : sni === true,
    versions,
    ciphers: text(options, "tls_ciphers"),
    verifyHost: flag(options, "tls_verify_host" satisfies Name),
    names: names(options, "tls_verify_name"),
    defaultCa: flag(options, "tls_default_ca" satisfies Name),
    ca: ca === null ? [] : listOf(ca).map(pemOf),
    clientCert: text(options, "tls_client_cert")?.replace(/^pki:/, "") ?? null,
    isCaptured: flag(options, "tls_capture_peer_cert" satisfies Name),
  };
}

function attributesOf(value: Value): Record<string, string> {
  if (!(value instanceof HslArray)) return {};
  const pairs = [...value.entries()].map(
    ([name, item]) => [String(name).toUpperCase(), toText(item)] as const,
  );
  if (pairs.some(([name]) => !/^[A-Z][A-Z0-9_-]*$/.test(name)))
    throw new Refusal("xclient is an array of attributes by name");
  return Object.fromEntries(pairs);
}

function timeoutsOf(value: Value): SmtpServer["timeouts"] {
  if (value === null) return {};
  const entries =
    value instanceof HslArray ? [...value.entries()] : smtpStates.map((one) => [one, value] as const);
  const read = entries.map(([name, seconds]) => {
    const state = smtpStates.find((one) => one === String(name).toUpperCase());
    // What this client never asks of a server waits for nothing.
    return state === undefined ? [] : [[state, number(seconds, "timeout") * 1000] as [SmtpState, number]];
  });
  return Object.fromEntries(read.flat());
}

function number(value: Value, name: Name): number {
  const read = typeof value === "string" ? Number(value) : value;
  if (typeof read !== "number" || !(read > 0 && read < 1e6))
    throw new Refusal(`${name} is no number that can be meant`);
  return read;
}

function text(options: Options, name: Name): string | null {
  return words(option(options, name));
}

function words(value: Value): string | null {
  return value === null ? null : toText(value);
}

function names(options: Options, name: Name): string[] {
  const value = option(options, name);
  return value === null ? [] : listOf(value).map(toText);
}

function listOf(value: Value): readonly Value[] {
  return value instanceof HslArray ? value.values() : [value];
}

function lower(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
