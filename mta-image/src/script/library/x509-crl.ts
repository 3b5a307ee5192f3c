/** The class X509CRL: a list of revoked certificates (RFC 5280 5), read from PEM or DER. Its signature is not checked. */
import type { X509Certificate } from "node:crypto";

import { Refusal } from "../error.ts";
import { type HostClass, declare, makeClass, optional, parameter } from "../host.ts";
import { HostObject, type HslArray, type Value } from "../value.ts";
import {
  INTEGER,
  SEQUENCE,
  type Extension,
  objectId,
  readAll,
  readDer,
  readExtensions,
  timeOf,
} from "./der.ts";
import { flag, list, record } from "./subjects.ts";
import { certificateParts, extensionArray } from "./x509-parts.ts";

const EXTENSIONS = 0xa0;
const isTime = (tag: number): boolean => tag === 0x17 || tag === 0x18;
const short: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "1.2.840.113549.1.9.1": "emailAddress",
};

interface Entry {
  readonly serial: string;
  readonly seconds: number;
}

class RevocationList {
  readonly raw: Buffer;
  readonly version: number;
  readonly issuer: Buffer;
  readonly lastUpdate: number;
  readonly nextUpdate: number | null;
  readonly entries: readonly Entry[];
  readonly extensions: readonly Extension[];
  readonly #serials: ReadonlySet<string>;

  constructor(raw: Buffer) {
    const [body] = readAll(readDer(raw).value);
    const fields = readAll(body?.value ?? Buffer.alloc(0));
    const isVersioned = fields[0]?.tag === INTEGER;
    const [, issuer, last, ...rest] = fields.slice(isVersioned ? 1 : 0);
    if (issuer === undefined || last === undefined || !isTime(last.tag))
      throw new Refusal("this is no list of revoked certificates");
    const next = rest.find(({ tag }) => isTime(tag));
    const revoked = rest.find(({ tag }) => tag === SEQUENCE);
    const extensions = rest.find(({ tag }) => tag === EXTENSIONS);
    this.raw = raw;
    this.version = isVersioned ? (fields[0]?.value[0] ?? 0) + 1 : 1;
    this.issuer = issuer.raw;
    this.lastUpdate = timeOf(last);
    this.nextUpdate = next === undefined ? null : timeOf(next);
    this.entries = revoked === undefined ? [] : readAll(revoked.value).map(({ value }) => entryOf(value));
    this.extensions = extensions === undefined ? [] : readExtensions(readDer(extensions.value));
    this.#serials = new Set(this.entries.map(({ serial }) => serial));
  }

  revokes(certificate: X509Certificate): boolean {
    const { issuer, serial } = certificateParts(certificate.raw);
    return issuer.equals(this.issuer) && this.#serials.has(hex(serial));
  }
}

function entryOf(value: Buffer): Entry {
  const [serial, date] = readAll(value);
  if (serial === undefined || date === undefined) throw new Refusal("an entry cannot be read");
  return { serial: hex(serial.value), seconds: timeOf(date) };
}

function hex(serial: Buffer): string {
  return serial.toString("hex").replace(/^(00)+(?=..)/, "");
}

/** Attributes of a name, as pairs. */
function pairs(name: Buffer): HslArray {
  const attributes = readAll(readDer(name).value).flatMap(({ value }) => readAll(value));
  return list(
    attributes.map(({ value }) => {
      const [id, text] = readAll(value);
      const key = id === undefined ? "" : objectId(id);
      return list([short[key] ?? key, text?.value.toString("latin1") ?? ""]);
    }),
  );
}

const self = parameter.object("self", "X509CRL", ({ state }) =>
  state instanceof RevocationList ? state : undefined,
);
const options = optional(parameter.array("options"));

function method(name: string, returns: string, docs: string, run: (one: RevocationList) => Value) {
  return declare({ name, parameters: [self], returns, docs, run: (_, one) => run(one) });
}

function pem(raw: Buffer): string {
  const lines = raw.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN X509 CRL-----\n${lines}\n-----END X509 CRL-----\n`;
}

function read(data: string): RevocationList {
  const [, text] = /-----BEGIN X509 CRL-----([^-]*)-----END X509 CRL-----/.exec(data) ?? [];
  return new RevocationList(text === undefined ? Buffer.from(data, "latin1") : Buffer.from(text, "base64"));
}

export const x509CrlResourceClass: HostClass = makeClass(
  "X509CRLResource",
  "A list of revoked certificates without methods, to be handed on.",
  {},
);

export const x509CrlClass: HostClass = makeClass("X509CRL", "A list of revoked certificates.", {
  construct: declare({
    name: "X509CRL",
    parameters: [
      parameter.object("x509CRLresource", "X509CRLResource", ({ state }) =>
        state instanceof RevocationList ? state : undefined,
      ),
    ],
    returns: "X509CRL",
    docs: "A list from a resource.",
    run: (_, one): Value => new HostObject(x509CrlClass, one),
  }),
  methods: [
    method(
      "issuer",
      "array of [string, string]",
      "Who signed it: pairs of attribute and value.",
      ({ issuer }) => pairs(issuer),
    ),
    method(
      "revoked",
      "array of array",
      "What is revoked: serial_number (hexadecimal) and date.",
      ({ entries }) =>
        list(entries.map(({ serial, seconds }) => record({ serial_number: serial, date: seconds }))),
    ),
    method("version", "number", "The version of the form.", ({ version }) => version),
    method("last_update", "number", "In seconds since 1970.", ({ lastUpdate }) => lastUpdate),
    method("next_update", "number or none", "In seconds since 1970.", ({ nextUpdate }) => nextUpdate),
    declare({
      name: "export",
      parameters: [self, options],
      returns: "string",
      docs: "DER, or PEM with option `pem`.",
      run: (_, one, how) => (flag(how, "pem") ? pem(one.raw) : one.raw.toString("latin1")),
    }),
    declare({
      name: "extensions",
      parameters: [self, options],
      returns: "array",
      docs: "Extensions by object identifier: oid, name (of RFC 5280), critical, and value as DER.",
      run: (_, one) => extensionArray(one.extensions),
    }),
    method(
      "toResource",
      "X509CRLResource",
      "The list without methods.",
      (one): Value => new HostObject(x509CrlResourceClass, one),
    ),
  ],
  statics: [
    declare({
      name: "String",
      parameters: [parameter.string("data"), options],
      returns: "X509CRL or none",
      docs: "A list from PEM or DER; none when it is none.",
      run: (_, data): Value => {
        try {
          return new HostObject(x509CrlClass, read(data));
        } catch {
          return null;
        }
      },
    }),
  ],
});
