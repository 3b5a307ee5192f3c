/**
 * The classes X509 and X509CRL: certificates and lists of revoked ones, read, exported and checked. A chain is checked by
 * OpenSSL's rules for names, validity and signatures; what cannot be read is refused.
 */
import { X509Certificate } from "node:crypto";

import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostClass, declare, makeClass, methodsOf, optional, parameter } from "../host.ts";
import { KEY_STEPS } from "../limits.ts";
import { meter } from "../meter.ts";
import { port } from "../ports.ts";
import { HostObject, HslArray, type Value } from "../value.ts";
import { flag, list, record } from "./subjects.ts";
import { certificateParts, extensionArray } from "./x509-parts.ts";

const { string, array } = parameter;
const options = optional(array("options"));

const self = parameter.object("self", "X509", ({ state }) =>
  state instanceof X509Certificate ? state : undefined,
);
/** A certificate as an object, a resource, PEM or DER. */
const certificate = (name: string) =>
  parameter.of(name, "X509Resource or string", (value) =>
    value instanceof HostObject && value.state instanceof X509Certificate
      ? value.state
      : typeof value === "string"
        ? readCertificate(value)
        : undefined,
  );

export const x509ResourceClass: HostClass = makeClass(
  "X509Resource",
  "A certificate without methods, to be handed on.",
  {},
);

function readCertificate(text: string): X509Certificate {
  meter.charge(KEY_STEPS >> 4);
  try {
    return new X509Certificate(Buffer.from(text, "latin1"));
  } catch {
    throw new Refusal("this is no certificate");
  }
}

/** All certificates of a PEM file, or the one of DER. */
export function readCertificates(text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  return (blocks ?? [text]).map(readCertificate);
}

export function certificateOf(value: Value): X509Certificate {
  if (value instanceof HostObject && value.state instanceof X509Certificate) return value.state;
  return readCertificate(toText(value));
}

export function pemOf(value: Value): string {
  return certificateOf(value).toString();
}

export function makeX509(read: X509Certificate): HostObject {
  return new HostObject(x509Class, read);
}

export function x509Resource(read: X509Certificate): HostObject {
  return new HostObject(x509ResourceClass, read);
}

/** Names as Node writes them, a line each, as pairs. */
function pairs(text: string | undefined): HslArray {
  const lines = (text ?? "").split("\n").filter((line) => line.includes("="));
  return list(
    lines.map((line) => list([line.slice(0, line.indexOf("=")), bytesOf(line.slice(line.indexOf("=") + 1))])),
  );
}

function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** By kind: DNS, IP, EMAIL, URI. Values in quotes have commas or other marks within. */
function altNames(text: string | undefined): HslArray {
  const names = new Map<string, Value[]>();
  for (const [, kind = "", quoted, plain] of (text ?? "").matchAll(
    /([\w ]+):(?:"((?:[^"\\]|\\.)*)"|([^,]*))(?:, |$)/g,
  )) {
    const key = { "IP Address": "IP", email: "EMAIL" }[kind] ?? kind;
    const value = quoted === undefined ? (plain ?? "") : quoted.replace(/\\(.)/g, "$1");
    names.set(key, [...(names.get(key) ?? []), bytesOf(value)]);
  }
  return HslArray.from([...names].map(([kind, all]) => [kind, list(all)]));
}

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

/** Whether the chain leads from the certificate to one of `trusted`. */
export function verifyChain(
  leaf: X509Certificate,
  trusted: readonly X509Certificate[],
  between: readonly X509Certificate[],
  now: number,
): string | null {
  let current = leaf;
  for (let depth = 0; depth <= MAX_CHAIN; depth += 1) {
    if (!isValidAt(current, now)) return "a certificate of the chain is not valid now";
    const root = trusted.find((one) => isIssuer(one, current) || one.raw.equals(current.raw));
    if (root !== undefined) return isValidAt(root, now) ? null : "the authority is not valid now";
    const next = between.find((one) => one.ca && !one.raw.equals(current.raw) && isIssuer(one, current));
    if (next === undefined) return "the issuer is not known";
    current = next;
  }
  return "the chain is too long";
}

const MAX_CHAIN = 10;

function isIssuer(issuer: X509Certificate, of: X509Certificate): boolean {
  meter.charge(KEY_STEPS >> 4);
  return of.checkIssued(issuer) && of.verify(issuer.publicKey);
}

function isValidAt(one: X509Certificate, now: number): boolean {
  return one.validFromDate.getTime() <= now && now <= one.validToDate.getTime();
}

function certificates(all: HslArray | undefined): X509Certificate[] {
  return (all?.values() ?? []).map(certificateOf);
}

const method = methodsOf(self);

export const x509Class: HostClass = makeClass("X509", "A certificate.", {
  construct: declare({
    name: "X509",
    parameters: [certificate("x509resource")],
    returns: "X509",
    docs: "A certificate from a resource, PEM or DER.",
    run: (_, read): Value => makeX509(read),
  }),
  methods: [
    declare({
      ...method("subject", [], "array of [string, string]", "Whom it is for: pairs of attribute and value."),
      run: (_, one) => pairs(one.subject),
    }),
    declare({
      ...method("issuer", [], "array of [string, string]", "Who signed it: pairs of attribute and value."),
      run: (_, one) => pairs(one.issuer),
    }),
    declare({
      ...method("subject_alt_name", [], "array", "The names it is for, by kind: DNS, IP, EMAIL, URI."),
      run: (_, one) => altNames(one.subjectAltName),
    }),
    declare({
      ...method("version", [], "number", "The version of the form, 3 for nearly all."),
      run: (_, one) => certificateParts(one.raw).version,
    }),
    declare({
      ...method("serial_number", [], "string", "In hexadecimal, lower case."),
      run: (_, one) => one.serialNumber.toLowerCase(),
    }),
    declare({
      ...method("not_valid_before", [], "number", "In seconds since 1970."),
      run: (_, one) => seconds(one.validFromDate),
    }),
    declare({
      ...method("not_valid_after", [], "number", "In seconds since 1970."),
      run: (_, one) => seconds(one.validToDate),
    }),
    declare({
      ...method("public_key", [options], "string", "The key as DER (SPKI), or PEM with option `pem`."),
      run: (_, one, how) =>
        flag(how, "pem")
          ? one.publicKey.export({ type: "spki", format: "pem" }).toString()
          : one.publicKey.export({ type: "spki", format: "der" }).toString("latin1"),
    }),
    declare({
      ...method(
        "verify",
        [array("calist"), optional(array("intermediates")), optional(array("revokelist"))],
        "array",
        "Whether a chain leads to one of the authorities now: result, and error. What a list of revoked ones names is refused.",
      ),
      run: ({ clock }, one, trusted, between, revoked) => {
        const error =
          revocation(one, revoked) ??
          verifyChain(one, certificates(trusted), certificates(between), clock.now());
        return error === null ? record({ result: true }) : record({ result: false, error });
      },
    }),
    declare({
      ...method("export", [options], "string", "DER, or PEM with option `pem`."),
      run: (_, one, how) => (flag(how, "pem") ? one.toString() : one.raw.toString("latin1")),
    }),
    declare({
      ...method(
        "extensions",
        [options],
        "array",
        "Extensions by object identifier: oid, name (of RFC 5280), critical, and value as DER.",
      ),
      run: (_, one) => extensionArray(certificateParts(one.raw).extensions),
    }),
    declare({
      ...method("toFFIValue", [], "FFIValue or none", "An X509* of OpenSSL, for C functions."),
      run: (context, one) => port(context, "foreign").certificate(one.raw.toString("latin1")),
    }),
    declare({
      ...method("toResource", [], "X509Resource", "The certificate without methods."),
      run: (_, one): Value => x509Resource(one),
    }),
  ],
  statics: [
    declare({
      name: "String",
      parameters: [string("data"), options],
      returns: "X509, array or none",
      docs: "A certificate from PEM or DER; with option `multiple` all of them as an array; none when there is none.",
      run: (_, data, how): Value => {
        try {
          const all = readCertificates(data).map(makeX509);
          return flag(how, "multiple") ? list(all) : (all[0] ?? null);
        } catch {
          return null;
        }
      },
    }),
  ],
});

/** Asks the lists that X509CRL objects are; they are known by their `revokes`. */
function revocation(one: X509Certificate, lists: HslArray | undefined): string | null {
  for (const value of lists?.values() ?? []) {
    const state = value instanceof HostObject ? value.state : null;
    if (isRevoker(state) && state.revokes(one)) return "the certificate has been revoked";
  }
  return null;
}

interface Revoker {
  revokes(certificate: X509Certificate): boolean;
}

function isRevoker(state: unknown): state is Revoker {
  return typeof state === "object" && state !== null && "revokes" in state;
}
