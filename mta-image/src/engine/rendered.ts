/**
 * Variables of a script as text for people (pure): bounded in depth, items and length, without control bytes, and without
 * secrets. What stands under a name that means a secret is masked, and so is the same text wherever else it turns up; a
 * client's answer within AUTH counts, with the parts that it decodes to. What a script computes from a secret in other ways
 * is not known to be one.
 */
import { textOf } from "../hooks/texts.ts";
import { typeName } from "../script/convert.ts";
import { type Value, HostObject, HslArray, HslFunction, Instance } from "../script/value.ts";
import { printable } from "../trace/masking.ts";

export type Named = readonly [name: string, value: Value];

const SECRET =
  /^pass$|passw(?:or)?d|passphrase|secret|token|api_?key|private_?key|credential|^authorization$/i;
const MASK = "***";
const MOST_VARIABLES = 100;
const MOST_ITEMS = 50;
const MOST_DEPTH = 5;
const MOST_TEXT = 512;
/** A longer secret hides whatever follows its beginning. */
const MOST_SECRET = 256;
/** Characters of one snapshot, about. */
const MOST_ALL = 16_384;
/** Items that are searched for secrets. */
const MOST_SEARCHED = 10_000;

/** `around` are values that may hold secrets, too, and are not shown. */
export function rendered(
  variables: readonly Named[],
  around: Iterable<Value>,
): { readonly name: string; readonly value: string }[] {
  const search = new Search();
  for (const [name, value] of variables) search.within(name, value, 0);
  for (const value of around) search.within("", value, 0);
  const renderer = new Renderer([...search.secrets].toSorted((a, b) => b.length - a.length));
  return variables
    .slice(0, MOST_VARIABLES)
    .map(([name, value]) => ({ name, value: renderer.named(name, value, 0) }));
}

class Search {
  readonly secrets = new Set<string>();
  #left = MOST_SEARCHED;

  within(name: string, value: Value, depth: number): void {
    if (this.#left-- <= 0) return;
    if (typeof value === "string" && SECRET.test(name)) this.#add(value);
    if (depth > MOST_DEPTH) return;
    if (value instanceof HslArray) {
      const response = value.get("mechanism") === null ? null : value.get("response");
      if (typeof response === "string") this.#response(response);
      for (const [key, item] of value.entries()) {
        if (this.#left <= 0) return;
        this.within(String(key), item, depth + 1);
      }
    } else if (value instanceof Instance) {
      for (const [key, item] of Object.entries(value.props)) this.within(key.slice(1), item, depth + 1);
    }
  }

  #response(text: string): void {
    this.#add(text);
    const decoded = Buffer.from(text, "base64").toString("latin1");
    for (const part of [decoded, ...decoded.split("\0")]) this.#add(part);
  }

  #add(secret: string): void {
    if (secret !== "") this.secrets.add(secret.slice(0, MOST_SECRET));
  }
}

class Renderer {
  readonly #secrets: readonly string[];
  #left = MOST_ALL;

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets;
  }

  named(name: string, value: Value, depth: number): string {
    const text = SECRET.test(name) && value !== null ? MASK : this.#value(value, depth);
    this.#left -= text.length;
    return text;
  }

  #value(value: Value, depth: number): string {
    if (this.#left <= 0) return "…";
    if (value === null) return "none";
    if (typeof value === "string") return `"${this.#text(value)}"`;
    if (typeof value !== "object") return String(value);
    if (value instanceof HslArray) return this.#items(value, depth);
    if (value instanceof Instance) return this.#object(value, depth);
    if (value instanceof HslFunction) return `function ${this.#text(value.name)}`;
    const isException = value instanceof HostObject && value.cls.name === "Exception";
    return isException ? `Exception ${this.#text(String(value.state))}` : `${typeName(value)} object`;
  }

  #items(array: HslArray, depth: number): string {
    if (depth >= MOST_DEPTH) return "[…]";
    const isAuth = array.get("mechanism") !== null;
    const parts: string[] = [];
    for (const [key, item] of array.entries()) {
      if (parts.length >= MOST_ITEMS || this.#left <= 0) {
        parts.push(`… ${array.size} in all`);
        break;
      }
      const name = String(key);
      const shown = typeof key === "number" ? name : `"${this.#text(name)}"`;
      const isAnswer = isAuth && name === "response";
      parts.push(`${shown}=>${isAnswer ? MASK : this.named(name, item, depth + 1)}`);
    }
    return `[${parts.join(",")}]`;
  }

  #object({ cls, props }: Instance, depth: number): string {
    if (depth >= MOST_DEPTH) return `${cls.name} {…}`;
    const parts = Object.entries(props)
      .slice(0, MOST_ITEMS)
      .map(([name, value]) => `${name}=>${this.named(name.slice(1), value, depth + 1)}`);
    return `${cls.name} {${parts.join(",")}}`;
  }

  /** What is cut loses as much as a secret is long, so that none is shown in part. */
  #text(bytes: string): string {
    const most = MOST_TEXT + MOST_SECRET;
    const masked = this.#secrets.reduce(withoutSecret, bytes.slice(0, most));
    return printable(textOf(bytes.length > most ? `${masked.slice(0, -MOST_SECRET)}…` : masked));
  }
}

/** Very short ones would be found everywhere: they are masked where they are the whole text. */
function withoutSecret(text: string, secret: string): string {
  if (secret.length < 4) return text === secret ? MASK : text;
  if (secret.length < MOST_SECRET) return text.replaceAll(secret, MASK);
  const at = text.indexOf(secret);
  return at < 0 ? text : text.slice(0, at) + MASK;
}
