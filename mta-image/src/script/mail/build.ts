/**
 * A message that a script builds, part by part (the class MIME). Bodies are encoded by content, a multipart gets a
 * boundary, and line ends become those of mail. Signatures are made last, over what is there then. Throws a Refusal for more
 * parts than a message may have.
 */
import { Refusal } from "../error.ts";
import { type SignOptions, signPart } from "./dkim.ts";
import { appendField, fieldsOf, isTextual, makeField, prependField, putBody, putField } from "./edit.ts";
import type { PartHandle } from "./message.ts";
import { type Field, Part } from "./part.ts";
import { Pieces, after } from "./pieces.ts";
import { scan } from "./scan.ts";

/** Those that stand in the message several times counted as often, which a few calls can make any number of. */
const MOST_PARTS = 10_000;

export class Builder {
  readonly fields: Field[] = [];
  /** Built ones, and bytes of messages that were there already. */
  readonly parts: (Builder | Pieces)[] = [];
  readonly signatures: SignOptions[] = [];
  body = "";
  type: string | null = null;
  boundary: string;

  constructor(boundary: string) {
    this.boundary = boundary;
  }

  has(name: string): boolean {
    return this.fields.some((field) => field.name === name);
  }

  /** As a part of its own, not yet in any message. */
  part(parent: Part | null = null): Part {
    if (parent === null && this.count() > MOST_PARTS) throw new Refusal("the message has too many parts");
    const part = new Part(parent, "");
    part.fields = [...this.fields];
    part.blank = "\r\n";
    if (this.parts.length > 0) this.#multipart(part);
    else {
      if (this.type !== null) putField(part, makeField("Content-Type", this.type, false));
      putBody(part, isTextual(part) ? this.body.replace(/\r?\n/g, "\r\n") : this.body, null);
    }
    return part;
  }

  /** Parts that it would be written as, itself included. */
  count(known = new Map<Builder, number>()): number {
    let count = known.get(this);
    if (count !== undefined) return count;
    count = 1;
    for (const part of this.parts) count += part instanceof Builder ? part.count(known) : 1;
    known.set(this, count);
    return count;
  }

  /** The whole message. Its top part says which MIME it is. */
  message(): Part | Promise<Part> {
    const part = this.part();
    const isMime = part.fields.some(({ name }) => name.startsWith("content-"));
    if (isMime && fieldsOf(part, "mime-version").length === 0)
      appendField(part, makeField("MIME-Version", "1.0", false));
    let signed: Part | Promise<Part> = part;
    for (const options of this.signatures)
      signed = after(signed, (one) =>
        after(signPart(one, options), (value) => {
          prependField(one, makeField("DKIM-Signature", value, false));
          return one;
        }),
      );
    return signed;
  }

  #multipart(part: Part): void {
    const type = this.type ?? "multipart/mixed";
    putField(part, makeField("Content-Type", `${type};\r\n\tboundary="${this.boundary}"`, false));
    const children = this.parts.map((one, at) => {
      const child = one instanceof Builder ? one.part(part) : asItStands(part, one);
      child.lead = `${at === 0 && this.body === "" ? "" : "\r\n"}--${this.boundary}\r\n`;
      return child;
    });
    part.content = {
      kind: "multipart",
      boundary: this.boundary,
      preamble: Pieces.of(this.body.replace(/\r?\n/g, "\r\n")),
      children,
      close: `\r\n--${this.boundary}--\r\n`,
      epilogue: Pieces.none,
    };
  }
}

/** Header and body in one: nobody asks for fields of a part that is still being built into something. */
function asItStands(parent: Part, bytes: Pieces): Part {
  const part = new Part(parent, "");
  part.content = { kind: "leaf", body: bytes };
  return part;
}

/** A built or copied part as one of a message: read again, so that what scripts see of it is what it says. */
export function adopted(given: Builder | PartHandle): Part | Promise<Part> {
  return after(given instanceof Builder ? given.part().all() : given.bytes(), scan);
}
