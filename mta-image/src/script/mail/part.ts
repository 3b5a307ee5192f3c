/**
 * A message as a tree of parts that gives back the very bytes it was read from: fields as they stand, bodies as pieces of
 * the source, delimiter lines as written. An edit replaces what it is about and touches no other byte. Made by scan.ts
 * and changed by edit.ts.
 */
import { type PartHead, partHead } from "#mta/message/mime-fields.ts";

import { meter } from "../meter.ts";
import { Pieces } from "./pieces.ts";

export interface Field {
  /** In lower case; empty for a line that is no field. */
  readonly name: string;
  /** With its line end and folds. */
  readonly raw: string;
}

export interface Leaf {
  readonly kind: "leaf";
  body: Pieces;
}

export interface Multipart {
  readonly kind: "multipart";
  boundary: string;
  preamble: Pieces;
  readonly children: Part[];
  /** The closing delimiter with the line end before it; empty when there was none. */
  close: string;
  epilogue: Pieces;
}

export type PartError = "bad_header" | "unclosed_boundary";

export class Part {
  parent: Part | null;
  /** The delimiter line above, with the line end before it; empty for the message. */
  lead: string;
  fields: Field[] = [];
  /** The line between header and body; empty when the header was all. */
  blank = "";
  content: Leaf | Multipart = { kind: "leaf", body: Pieces.none };
  readonly errors = new Set<PartError>();
  /** Where it stood among the parts beside it; asking all of them would take long where there are thousands. */
  #place: number;

  /** A part is made to stand behind those of its parent. */
  constructor(parent: Part | null, lead: string) {
    this.parent = parent;
    this.lead = lead;
    this.#place = parent?.children.length ?? 0;
  }

  get children(): readonly Part[] {
    return this.content.kind === "multipart" ? this.content.children : [];
  }

  /** "1" for the message, "1.2" for the second part within it. */
  get id(): string {
    if (this.parent === null) return "1";
    const { children } = this.parent;
    if (children[this.#place] !== this) this.#place = children.indexOf(this);
    return `${this.parent.id}.${this.#place + 1}`;
  }

  get head(): PartHead {
    return headOf(this.fields);
  }

  body(): Pieces {
    const { content } = this;
    if (content.kind === "leaf") return content.body;
    meter.charge(content.children.length);
    const inner = content.children.flatMap((child) => [Pieces.of(child.lead), child.all()]);
    return Pieces.join([content.preamble, ...inner, Pieces.of(content.close), content.epilogue]);
  }

  header(): string {
    meter.charge(this.fields.length);
    return this.fields.map(({ raw }) => raw).join("") + this.blank;
  }

  all(): Pieces {
    return Pieces.join([Pieces.of(this.header()), this.body()]);
  }

  *walk(): Generator<Part> {
    yield this;
    for (const child of this.children) yield* child.walk();
  }
}

/** The first field of a name counts, as in mail programs. */
export function headOf(fields: readonly Field[]): PartHead {
  meter.charge(fields.length);
  const values = new Map<string, string>();
  for (const field of fields) if (!values.has(field.name)) values.set(field.name, fieldValue(field));
  return partHead(values);
}

/** JavaScript's own trim takes 0xa0 for a space, which is half of many a letter in UTF-8. */
export function trim(bytes: string): string {
  return trimEnd(bytes).replace(/^[ \t\r\n]+/, "");
}

/** A loop, since a pattern for this is slow on long white space within. */
export function trimEnd(bytes: string): string {
  let end = bytes.length;
  while (end > 0 && " \t\r\n".includes(bytes[end - 1] as string)) end -= 1;
  return bytes.slice(0, end);
}

/** Without name, folds and outer white space. */
export function fieldValue({ raw }: Field): string {
  return trim(raw.slice(raw.indexOf(":") + 1).replace(/\r?\n/g, ""));
}

/** A field from a line and its continuations; one that is none has an empty name. */
export function fieldOf(raw: string): Field {
  const name = /^([!-9;-~]+)[ \t]*:/.exec(raw)?.[1] ?? "";
  return { name: name.toLowerCase(), raw };
}
