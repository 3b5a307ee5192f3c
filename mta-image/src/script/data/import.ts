/**
 * Data files at compile time: `import $v from "x.csv" with [...]`. The loader is chosen by extension, or by a prefix
 * as in "txt!x". Throws a Refusal that names the file and says what is wrong with it.
 */
import type { Clock } from "#base/clock.ts";

import { BudgetError, Refusal } from "../error.ts";
import { type Value, HslArray } from "../value.ts";
import { toText } from "../convert.ts";
import { decodeJson } from "../library/json.ts";
import { mailMessageClass, makeMessage } from "../library/mail-message.ts";
import { flag } from "../library/subjects.ts";
import { readCertificates, x509Resource } from "../library/x509.ts";
import { type Limits, defaultLimits } from "../limits.ts";
import { Pieces } from "../mail/pieces.ts";
import { makeBudget, meter } from "../meter.ts";
import type { Loader } from "../module.ts";
import { decodeCsv } from "./csv.ts";
import { anyPrivateKey } from "./private-key.ts";
import { Schema } from "./schema.ts";
import { decodeYaml } from "./yaml.ts";
import { decodeTypes } from "./yaml-types.ts";

interface Reader {
  /** Names of its options. */
  readonly takes: readonly string[];
  readonly read: (
    text: string,
    options: HslArray | undefined,
    file: { readonly id: string; readonly loader: Loader },
  ) => Value;
}

const yaml: Reader = { takes: ["types", "tags"], read: readYaml };

/** By the kind of the file. */
const readers: Readonly<Record<string, Reader>> = {
  json: { takes: [], read: readJson },
  yaml,
  yml: yaml,
  csv: {
    takes: ["header", "delimiter", "schema"],
    read: (text, options, file) => decodeCsv(text, options, schemaOf(options, file)),
  },
  txt: {
    takes: ["type", "array"],
    read: (text, options) => (wantsLines(options) ? lines(text) : text),
  },
  crt: {
    takes: ["resource"],
    read: (text, options) => readCertificate(text, options, HslArray.of(pemBlocks(text))),
  },
  pem: { takes: ["resource"], read: (text, options) => readCertificate(text, options, text) },
  key: {
    takes: ["resource"],
    read: (text, options) => (flag(options, "resource") ? readKey(text) : text),
  },
  eml: { takes: ["resource"], read: (text) => makeMessage(mailMessageClass, Pieces.of(text)) },
};

export function importData(path: string, text: string, options: Value, loader: Loader): Value {
  const [, prefix, id = path] = /^(?:([a-z]+)!)?([\s\S]*)$/.exec(path) ?? [];
  const kind = prefix ?? /\.([a-z]+)$/.exec(id)?.[1] ?? "txt";
  const reader = Object.hasOwn(readers, kind) ? readers[kind] : undefined;
  if (reader === undefined) throw new Refusal(`${id}: there is no way to import ${kind}`);
  const before = meter.enter(makeBudget(limitsOf(text), noClock));
  try {
    return reader.read(text, optionsOf(options, kind, reader), { id, loader });
  } catch (error) {
    if (error instanceof BudgetError) throw new Refusal(`${id}: the data are too large`);
    if (error instanceof Refusal || error instanceof SyntaxError)
      throw new Refusal(`${id}: ${error.message}`);
    throw error;
  } finally {
    meter.leave(before);
  }
}

/** An option that is not known might be a slip of the pen, after which the data would not be what was meant. */
function optionsOf(options: Value, kind: string, { takes }: Reader): HslArray | undefined {
  if (options === null) return undefined;
  if (!(options instanceof HslArray)) throw new Refusal("the options of an import are an array");
  const unknown = options.keys().find((name) => !takes.includes(String(name)));
  if (unknown === undefined) return options;
  const known = takes.length === 0 ? "there are none" : `known are ${takes.join(", ")}`;
  throw new Refusal(`there is no option ${unknown} to import ${kind}; ${known}`);
}

/** What a file becomes, by its bytes: some take a hundred, but a few of YAML can stand for billions of values. */
const SMALL = 64 * 1024 * 1024;
const GROWTH = 256;

/** More than the shortest rows of CSV are charged, which are two bytes each; a run would have too few for a file of many. */
const STEPS_A_BYTE = 512;

/** The time follows from these: steps are paid with what is made. */
function limitsOf(text: string): Limits {
  const bytes = Math.min(SMALL + text.length * GROWTH, defaultLimits.bytes);
  const steps = defaultLimits.steps + text.length * STEPS_A_BYTE;
  return { ...defaultLimits, cpuMs: Number.POSITIVE_INFINITY, bytes, steps };
}

/** Compiling has none, and gives the same on any machine. */
const noClock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  after: () => ({ cancel: () => undefined }),
};

/** By option: inline or the name of a file; otherwise `<file>.schema.json` beside the file when there is one. */
function schemaOf(
  options: HslArray | undefined,
  file: { readonly id: string; readonly loader: Loader },
): Schema | null {
  const given = options?.get("schema") ?? null;
  if (given instanceof HslArray) return new Schema(given);
  const id = typeof given === "string" ? given.replace(/^file:(\/\/)?/, "") : `${file.id}.schema.json`;
  const loaded = file.loader.load(id);
  if (loaded !== null && "text" in loaded) return new Schema(readJson(loaded.text));
  if (given !== null) throw new Refusal(`there is no schema ${toText(given)}`);
  return null;
}

function readJson(text: string): Value {
  const value = decodeJson(text, true);
  if (value === undefined) throw new Refusal("this is no JSON");
  return value;
}

/** With option `resource` a list of certificates as values, the leaf first. */
function readCertificate(text: string, options: HslArray | undefined, plain: Value): Value {
  return flag(options, "resource") ? HslArray.of(readCertificates(text).map(x509Resource)) : plain;
}

/** Each certificate by itself, as text. */
function pemBlocks(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\r?\n?/g) ?? [];
}

function readKey(text: string): Value {
  const key = anyPrivateKey(text);
  if (key === null) throw new Refusal("this is no private key");
  return key;
}

/** With option `types` (or `tags`) some tags stand for objects. */
function readYaml(text: string, options: HslArray | undefined): Value {
  const types = options?.get("types") ?? options?.get("tags") ?? null;
  return types instanceof HslArray ? decodeTypes(text, types.values().map(toText)) : decodeYaml(text);
}

/** The older way to write it is `array`. */
function wantsLines(options: HslArray | undefined): boolean {
  return toText(options?.get("type") ?? null) === "array" || flag(options, "array");
}

function lines(text: string): HslArray {
  const all = text.split(/\r?\n/);
  if (all.at(-1) === "") all.pop();
  return HslArray.of(all);
}
