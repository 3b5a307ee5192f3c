/**
 * The files of one program while it is resolved: finds them by what scripts call them, counts them and their bytes, and gives
 * their statements and data. What is wrong is reported where the file is included or imported.
 */
import type { Statement } from "./ast.ts";
import { Refusal } from "./error.ts";
import { MAX_FILES, MAX_SOURCE, SMALLEST_DATA } from "./limits.ts";
import { type Loaded, filesLike, moduleId } from "./module.ts";
import { parse } from "./parse-statement.ts";
import type { Surroundings } from "./surroundings.ts";
import { type Value, HslArray } from "./value.ts";

export interface FileText {
  readonly id: string;
  readonly text: string;
  /** Where it is included or imported. */
  readonly at: number;
}

/** How data are read: `kind` is "txt!" and so on, or empty. */
interface DataRead {
  readonly kind: string;
  readonly at: number;
  readonly options: Value;
}

export class Files {
  readonly #around: Surroundings;
  /** Those that are being read, the innermost last. */
  readonly #open: string[] = [];
  /** By identity, so that a script that is named ten thousand times is fetched once. */
  readonly #scripts = new Map<string, Loaded | null>();
  #count = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Null after a report. `main` is what a folder of that name may have. */
  script(path: string, at: number, main: string | null = null): Loaded | null {
    return this.#find(path, at, (id) => {
      const known = this.#scripts.get(id);
      if (known !== undefined) return known;
      const { loader } = this.#around;
      const loaded = loader.load(id) ?? (main === null ? null : loader.load(`${id}/${main}`));
      this.#scripts.set(id, loaded);
      return loaded;
    });
  }

  /** The statements of a file, which the program has then once more; none after a report. */
  parse({ id, text, at }: FileText): readonly Statement[] {
    const { budget, report, sources } = this.#around;
    this.#count += 1;
    budget.code -= text.length;
    if (this.#count > MAX_FILES) report(at, "the program has too many files");
    else if (text.length > MAX_SOURCE) report(at, `${id} is too large`);
    else if (budget.code < 0) report(at, "the scripts are too large, with what they include");
    else return parse(sources.add(id, text, at), report);
    return [];
  }

  /** What each file of a pattern holds, by the identity of the file. */
  dataOfAll(pattern: string, read: DataRead): Value {
    const id = moduleId(pattern, this.#here);
    const files = id === null ? [] : filesLike(id, this.#around.loader);
    return HslArray.from(files.map((file) => [file, this.data(file, read) ?? null] as const));
  }

  /** Undefined after a report. */
  data(path: string, { kind, at, options }: DataRead): Value | undefined {
    const { budget, data, loader } = this.#around;
    const pay = (bytes: number): void => {
      budget.data -= bytes;
      if (budget.data < 0) throw new Refusal("the data that scripts import are too large");
    };
    return this.#told(at, () => {
      // Nothing is fetched when all is spent.
      pay(SMALLEST_DATA);
      const loaded = this.#find(path, at, (id) => loader.load(id));
      if (loaded === null) return undefined;
      if (!("text" in loaded)) throw new Refusal(`${path} is no file`);
      pay(Math.max(loaded.text.length - SMALLEST_DATA, 0));
      return data(kind + loaded.id, loaded.text, options);
    });
  }

  /** Names in `work` are meant as in this file. */
  within(id: string, work: () => void): void {
    this.#open.push(id);
    work();
    this.#open.pop();
  }

  isOpen(id: string): boolean {
    return this.#open.includes(id);
  }

  get #here(): string {
    return this.#open.at(-1) ?? "";
  }

  #find(path: string, at: number, load: (id: string) => Loaded | null): Loaded | null {
    const id = moduleId(path, this.#here);
    const loaded = id === null ? null : this.#told(at, () => load(id));
    if (loaded === null) this.#around.report(at, `there is no file ${path}`);
    return loaded ?? null;
  }

  /** Undefined after a report of what was refused. */
  #told<T>(at: number, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#around.report(at, (error as Error).message);
      return undefined;
    }
  }
}
