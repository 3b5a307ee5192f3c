/**
 * Keys as values: classes without methods, and reading them from PEM, or DER as bytes or Base64. What is no key of the
 * wanted kind is null, never an error that shows it.
 */
import { type KeyObject, createPrivateKey, createPublicKey } from "node:crypto";

import { type HostClass, makeClass, parameter } from "../host.ts";
import { KEY_STEPS } from "../limits.ts";
import { meter } from "../meter.ts";
import { type KeyPort, type Ports, port } from "../ports.ts";
import { HostObject } from "../value.ts";
import { bytes } from "./hash.ts";

export const rsaKeyClass: HostClass = makeClass("RSAPrivateKey", "A private key for RSA.", {});
export const ecKeyClass: HostClass = makeClass("ECPrivateKey", "A private key for elliptic curves.", {});
export const ed25519KeyClass: HostClass = makeClass("ED25519PrivateKey", "A private key for Ed25519.", {});

export const keyClasses: readonly HostClass[] = [rsaKeyClass, ecKeyClass, ed25519KeyClass];

export const kinds = { rsa: rsaKeyClass, ec: ecKeyClass, ed25519: ed25519KeyClass } as const;
export type Kind = keyof typeof kinds;

export const key = (kind: Kind) =>
  parameter.of<KeyObject | null>("privatekey", `${kinds[kind].name} or string`, (value) => {
    if (typeof value === "string") return readPrivate(kind, value);
    return value instanceof HostObject && value.cls === kinds[kind] ? (value.state as KeyObject) : undefined;
  });

/** A private key as a script writes it: a value, its text, or a name of the configuration. */
export const anyKey = parameter.of<KeyObject | string>("privatekey", "private key or string", (value) => {
  if (typeof value === "string") return value;
  const isKey = value instanceof HostObject && keyClasses.some((cls) => cls === value.cls);
  return isKey ? (value.state as KeyObject) : undefined;
});

/** Null when the text is no name: `pki:NAME` always is, others where the script says so (option `id`). */
export function keyName(text: string, isName: boolean): string | null {
  return isName || text.startsWith("pki:") ? text.replace(/^pki:/, "") : null;
}

/** The text itself, or what the configuration has under the name that it is; null when that is nothing. */
export function keyText(
  context: { readonly ports?: Partial<Ports> | undefined },
  text: string,
  { isName, find }: { readonly isName: boolean; readonly find: (keys: KeyPort, id: string) => string | null },
): string | null {
  const id = keyName(text, isName);
  return id === null ? text : find(port(context, "keys"), id);
}

/** Null for keys of other kinds. */
export function keyKind({ asymmetricKeyType }: KeyObject): Kind | null {
  const known = Object.keys(kinds) as Kind[];
  return known.find((kind) => kind === asymmetricKeyType) ?? null;
}

export function privateKey(kind: Kind, read: KeyObject): HostObject {
  return new HostObject(kinds[kind], read);
}

/** The fixed beginning of a PKCS#8 private or SPKI public key of Ed25519, before the 32 bytes. */
const ED25519_PRIVATE = Buffer.from("302e020100300506032b657004220420", "hex");
const ED25519_PUBLIC = Buffer.from("302a300506032b6570032100", "hex");

export function readPrivate(kind: Kind, text: string): KeyObject | null {
  meter.charge(KEY_STEPS);
  const raw = kind === "ed25519" ? rawEd25519(text, ED25519_PRIVATE) : null;
  for (const format of raw === null ? (["pem", "pkcs8", "pkcs1", "sec1"] as const) : (["pkcs8"] as const)) {
    try {
      const read =
        format === "pem"
          ? createPrivateKey(text)
          : createPrivateKey({ key: raw ?? der(text), format: "der", type: format });
      if (read.asymmetricKeyType === kind) return read;
    } catch {
      // Not in this form; the next one may fit.
    }
  }
  return null;
}

export function readPublic(kind: "rsa" | "ed25519", text: string): KeyObject | null {
  meter.charge(KEY_STEPS);
  const raw = kind === "ed25519" ? rawEd25519(text, ED25519_PUBLIC) : null;
  for (const format of raw === null ? (["pem", "spki", "pkcs1"] as const) : (["spki"] as const)) {
    try {
      const read =
        format === "pem"
          ? createPublicKey(text)
          : createPublicKey({ key: raw ?? der(text), format: "der", type: format });
      if (read.asymmetricKeyType === kind) return read;
    } catch {
      // Not in this form; the next one may fit.
    }
  }
  return null;
}

function rawEd25519(text: string, before: Buffer): Buffer | null {
  if (text.length === 32) return Buffer.concat([before, bytes(text)]);
  const decoded = Buffer.from(text, "base64");
  return /^[A-Za-z0-9+/]{43}=$/.test(text) && decoded.length === 32 ? Buffer.concat([before, decoded]) : null;
}

/** DER begins with a sequence; everything else is taken for Base64 of one. */
function der(text: string): Buffer {
  return text.startsWith("\x30") ? bytes(text) : Buffer.from(text, "base64");
}
