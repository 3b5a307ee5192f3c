/**
 * From a file's name to all files it needs: parses the main file, what it includes and imports, and decodes imported
 * data. The outcome is a set of modules whose trees are complete; names are not looked at yet (see resolve.ts).
 * Never throws for bad input: everything wrong is reported.
 */
import type { Expression, FunctionNode, Statement } from "./ast.ts";
import { HslArray } from "./array.ts";
import type { Host } from "./host.ts";
import { MAX_FILES, MAX_SOURCE } from "./limits.ts";
import { parse } from "./parse-statement.ts";
import { Sources } from "./source.ts";
import type { Value } from "./value.ts";
import { walk } from "./walk.ts";

type Import = Extract<Statement, { kind: "import" }>;
type Include = Extract<Statement, { kind: "include" }>;

/** What a name in include or import stands for. `name` is the file's own, the same however it was reached. */
export type Loaded =
  | { readonly kind: "text"; readonly name: string; readonly text: string }
  | { readonly kind: "host"; readonly name: string; readonly host: Host };

export interface Loader {
  /** `from` is the name of the file that asks. Null when there is no such file. */
  load(path: string, from: string): Loaded | null;
}

/** Decodes imported data. Throws an Error whose text says what is wrong with it; `load` reads a file beside it. */
export type DataDecoder = (
  text: string,
  options: HslArray,
  beside: { readonly name: string; load(suffix: string): string | null },
) => Value;

export interface Module {
  readonly index: number;
  readonly name: string;
  readonly body: readonly Statement[];
  readonly includes: Map<Include, { readonly body: readonly Statement[]; readonly once: number | null }>;
  readonly imports: Map<Import, Module | Host | { readonly data: number }>;
}

export interface Program {
  readonly sources: Sources;
  /** In the order in which they must run; the last one is the main file. */
  readonly modules: readonly Module[];
  readonly data: readonly Value[];
  /** Names of files that were read, so that a change of one can be noticed. */
  readonly files: readonly string[];
}

export interface LoadOptions {
  readonly loader: Loader;
  /** By extension, without dot. */
  readonly decoders: ReadonlyMap<string, DataDecoder>;
  readonly report: (at: number, message: string) => void;
}

export function loadProgram(name: string, text: string, options: LoadOptions): Program {
  return new Collector(options).run(name, text);
}

class Collector {
  readonly #options: LoadOptions;
  readonly #sources = new Sources();
  readonly #modules: Module[] = [];
  readonly #byName = new Map<string, Module | "loading">();
  readonly #once = new Map<string, number>();
  readonly #data: Value[] = [];
  readonly #files = new Set<string>();

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  run(name: string, text: string): Program {
    this.#module(name, text);
    return { sources: this.#sources, modules: this.#modules, data: this.#data, files: [...this.#files] };
  }

  #module(name: string, text: string): Module {
    this.#byName.set(name, "loading");
    const module = { name, body: this.#parse(name, text), includes: new Map(), imports: new Map() };
    this.#collect(module, module.body, name, []);
    const finished: Module = { ...module, index: this.#modules.length };
    this.#modules.push(finished);
    this.#byName.set(name, finished);
    return finished;
  }

  #parse(name: string, text: string): readonly Statement[] {
    this.#files.add(name);
    const source = this.#sources.add(name, text.slice(0, MAX_SOURCE));
    if (text.length > MAX_SOURCE) this.#options.report(source.base, "the file is too long");
    return parse(source, this.#options.report);
  }

  /** `chain` are the files whose inclusion leads here. */
  #collect(
    module: Omit<Module, "index">,
    body: readonly Statement[],
    file: string,
    chain: readonly string[],
  ): void {
    const top = new Set<unknown>(body);
    walk(body, (node) => {
      if (node.kind === "include") this.#include(module, node as Include, file, chain);
      if (node.kind === "import") {
        if (!top.has(node)) this.#options.report(node.at, "import stands at the top of a file only");
        this.#import(module, node as Import, file);
      }
      return undefined;
    });
  }

  #include(module: Omit<Module, "index">, node: Include, file: string, chain: readonly string[]): void {
    const loaded = this.#load(node, file);
    if (loaded === null) return;
    if (loaded.kind !== "text") return this.#options.report(node.at, `${node.path} can only be imported`);
    const isCircle = loaded.name === module.name || chain.includes(loaded.name);
    if (isCircle && node.once) {
      module.includes.set(node, { body: [], once: null });
      return;
    }
    if (isCircle) return this.#options.report(node.at, `${node.path} includes itself`);
    const body = this.#parse(loaded.name, loaded.text);
    module.includes.set(node, { body, once: node.once ? this.#onceNumber(loaded.name) : null });
    this.#collect(module, body, loaded.name, [...chain, loaded.name]);
  }

  #onceNumber(name: string): number {
    const number = this.#once.get(name) ?? this.#once.size;
    this.#once.set(name, number);
    return number;
  }

  #import(module: Omit<Module, "index">, node: Import, file: string): void {
    if (node.data !== null) return this.#importData(module, node, file);
    const loaded = this.#load(node, file);
    if (loaded === null) return;
    if (loaded.kind === "host") {
      module.imports.set(node, loaded.host);
      return;
    }
    const known = this.#byName.get(loaded.name);
    if (known === "loading") return this.#options.report(node.at, `${node.path} imports itself in a circle`);
    module.imports.set(node, known ?? this.#module(loaded.name, loaded.text));
  }

  #importData(module: Omit<Module, "index">, node: Import, file: string): void {
    const [, prefix, path] = /^(?:([a-z0-9]+)!)?(.*)$/s.exec(node.path) as unknown as [
      string,
      string?,
      string?,
    ];
    const extension = prefix ?? /\.([A-Za-z0-9]+)$/.exec(path ?? "")?.[1]?.toLowerCase() ?? "";
    const decoder = this.#options.decoders.get(extension);
    if (decoder === undefined)
      return this.#options.report(node.at, `there is no loader for "${extension}" data`);
    const loaded = this.#load({ ...node, path: path ?? "" }, file);
    if (loaded === null) return;
    if (loaded.kind !== "text") return this.#options.report(node.at, `${node.path} is no data`);
    this.#files.add(loaded.name);
    const options = node.options === null ? new HslArray() : constant(node.options);
    if (!(options instanceof HslArray))
      return this.#options.report(node.at, "with wants an array of constants");
    try {
      const value = decoder(loaded.text, options, {
        name: loaded.name,
        load: (suffix) => this.#beside(path + suffix, file),
      });
      module.imports.set(node, { data: this.#data.push(value) - 1 });
    } catch (error) {
      this.#options.report(
        node.at,
        `${loaded.name}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  #beside(path: string, from: string): string | null {
    const loaded = this.#options.loader.load(path, from);
    if (loaded?.kind !== "text") return null;
    this.#files.add(loaded.name);
    return loaded.text;
  }

  #load(node: { readonly at: number; readonly path: string }, from: string): Loaded | null {
    if (this.#sources.count >= MAX_FILES) {
      this.#options.report(node.at, "too many files are included");
      return null;
    }
    const loaded = this.#options.loader.load(node.path, from);
    if (loaded === null) this.#options.report(node.at, `there is no file ${node.path}`);
    return loaded;
  }
}

/** The value of literals and arrays of them; undefined for anything else. */
export function constant(node: Expression): Value | undefined {
  if (node.kind === "literal") return node.value;
  if (node.kind === "unary" && node.operator === "-") {
    const value = constant(node.operand);
    return typeof value === "number" ? -value : undefined;
  }
  if (node.kind !== "array") return undefined;
  const array = new HslArray();
  for (const { key, value, spread } of node.items) {
    const item = constant(value);
    const name = key === null ? null : constant(key);
    if (spread || item === undefined || name === undefined) return undefined;
    if (name === null) array.push(item);
    else array.set(name, item);
  }
  return array;
}

/** Every function in a tree, methods and closures too, outermost first. */
export function isFunctionNode(node: object): node is FunctionNode {
  return "captures" in node && "parameters" in node;
}
