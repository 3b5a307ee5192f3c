/** Text of the engine as bytes of a script and back, and small trees as arrays. Pure; never throws. */
import { parsePath } from "../smtp/address.ts";
import { type Value, HslArray } from "../script/value.ts";

/** A script's strings are bytes: what is no ASCII becomes the bytes of its UTF-8. */
export function bytesOf(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** Bytes that are no UTF-8 show as replacement characters. */
export function textOf(bytes: string): string {
  // oxlint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
}

export type Tree = Value | undefined | readonly Tree[] | { readonly [key: string]: Tree };

/** Plain objects and lists as arrays; what is undefined is left out. Texts must be bytes already, and keys words. */
export function arrayOf(tree: Readonly<Record<string, Tree>>): HslArray {
  const map = new Map<string, Value>();
  for (const key in tree) {
    const value = tree[key];
    if (value !== undefined) map.set(key, typeof value === "object" ? made(value) : value);
  }
  return HslArray.named(map);
}

/** Texts by text, whatever they look like. */
export function arrayOfTexts(texts: Readonly<Record<string, string>>): HslArray {
  return HslArray.from(Object.entries(texts).map(([key, text]) => [bytesOf(key), bytesOf(text)] as const));
}

export function listOf(items: readonly Tree[]): HslArray {
  return new HslArray(items.map(made));
}

function made(tree: Tree): Value {
  if (tree === undefined) return null;
  if (Array.isArray(tree)) return listOf(tree as readonly Tree[]);
  if (typeof tree !== "object" || tree === null) return tree as Value;
  const isPlain = Object.getPrototypeOf(tree) === Object.prototype;
  return isPlain ? arrayOf(tree as Record<string, Tree>) : (tree as Value);
}

/** Local part and domain as scripts get them. */
export function addressTree(address: string): { localpart: string; domain: string } {
  const at = address.lastIndexOf("@");
  if (at === -1) return { localpart: bytesOf(address), domain: "" };
  return { localpart: bytesOf(address.slice(0, at)), domain: bytesOf(address.slice(at + 1).toLowerCase()) };
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
