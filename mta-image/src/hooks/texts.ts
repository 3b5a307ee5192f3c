/** Text of the engine as bytes of a script and back, and small trees as arrays. Pure; never throws. */
import { parsePath } from "../smtp/address.ts";
import { AddressFields } from "../script/address-fields.ts";
import { Fields } from "../script/fields.ts";
import { type EnvelopeAddress, noParameters } from "../script/mail-port.ts";
import { type Value, HslArray } from "../script/value.ts";

/** A script's strings are bytes: what is no ASCII becomes the bytes of its UTF-8. */
export function bytesOf(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** Bytes that are no UTF-8 show as replacement characters. */
export function textOf(bytes: string): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
}

/** A loop: most texts are addresses, too short for a pattern to be worth its start. */
function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** A branch may be a function: then it is not even put together before somebody looks at it. */
export type Tree = Value | undefined | readonly Tree[] | Branch | (() => Branch) | AddressFields;
export interface Branch {
  readonly [key: string]: Tree;
}

/**
 * Plain objects and lists as arrays; what is undefined is left out. Texts must be bytes already, and keys words. What
 * stands within becomes an array when a script looks at it, so it must not change, and the caller gives it away.
 */
export function arrayOf(tree: Branch | (() => Branch)): HslArray {
  return HslArray.record(new Fields<Tree>(tree, made));
}

/** Texts by text, whatever they look like. */
export function arrayOfTexts(texts: Readonly<Record<string, string>>): HslArray {
  return HslArray.from(Object.entries(texts).map(([key, text]) => [bytesOf(key), bytesOf(text)] as const));
}

export function listOf(items: readonly Tree[]): HslArray {
  return new HslArray(items.map(made));
}

function made(tree: Tree): Value {
  if (typeof tree === "function") return arrayOf(tree);
  if (typeof tree !== "object" || tree === null) return tree ?? null;
  if (tree instanceof AddressFields) return HslArray.record(tree);
  if (Array.isArray(tree)) return listOf(tree as readonly Tree[]);
  const isPlain = Object.getPrototypeOf(tree) === Object.prototype;
  return isPlain ? arrayOf(tree as Branch) : (tree as Value);
}

/** Local part and domain as scripts get them, made when one looks. */
export function addressTree(address: string): AddressFields {
  return new AddressFields(address, knownAddress);
}

/** The same as an array. */
export function addressArray(address: string): HslArray {
  return HslArray.record(addressTree(address));
}

function knownAddress(text: string): EnvelopeAddress {
  const known = withPlainDomain(text);
  return { address: bytesOf(known), parameters: noParameters, known };
}

function withPlainDomain(address: string): string {
  const domain = address.slice(address.lastIndexOf("@") + 1);
  const plain = domain.toLowerCase();
  return plain === domain || domain === address ? address : `${address.slice(0, -domain.length)}${plain}`;
}

/** An address that a script gave: as text, or as array of localpart and domain. Null for anything else. */
export function addressOf(value: Value): string | null {
  if (typeof value === "string") return textOf(value);
  if (!(value instanceof HslArray)) return null;
  const [local, domain] = [value.get("localpart"), value.get("domain")];
  if (typeof local !== "string" || (domain !== null && typeof domain !== "string")) return null;
  if (local === "" && (domain === null || domain === "")) return "";
  return domain === null || domain === "" ? textOf(local) : `${textOf(local)}@${textOf(domain)}`;
}

/** What nearly all addresses look like, short of every bound that parsePath knows. */
const USUAL = /^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*\.)+[A-Za-z]+$/;
const USUAL_LENGTH = 64;

/** What may stand in an envelope: a mailbox, postmaster, or nothing for the null sender. */
export function isMailbox(address: string): boolean {
  if (address.length <= USUAL_LENGTH && USUAL.test(address)) return true;
  const text = `<${bytesOf(address)}>`;
  const path = parsePath(text, 0);
  return path !== null && path.end === text.length && path.address === address;
}
