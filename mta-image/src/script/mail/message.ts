/**
 * A message that a script works on: its bytes as pieces, its tree of parts (read when somebody asks), snapshots, and edits
 * of raw bytes. Parts are known to scripts by handle; after a restore the handle finds the part of the same number.
 * Reading gives promises only for messages in files.
 */
import { Refusal } from "../error.ts";
import type { Part } from "./part.ts";
import { Pieces, after } from "./pieces.ts";
import { scan } from "./scan.ts";

const MAX_SNAPSHOTS = 1_000;

export class Message {
  readonly original: Pieces;
  #bytes: Pieces;
  #tree: Part | null = null;
  #generation = 0;
  #snapshots: Pieces[] | null = null;

  constructor(bytes: Pieces) {
    this.original = bytes;
    this.#bytes = bytes;
  }

  get generation(): number {
    return this.#generation;
  }

  tree(): Part | Promise<Part> {
    if (this.#tree !== null) return this.#tree;
    return after(scan(this.#bytes), (tree) => {
      this.#tree ??= tree;
      return this.#tree;
    });
  }

  /** All of it as it is now. */
  bytes(): Pieces {
    return this.#tree === null ? this.#bytes : this.#tree.all();
  }

  snapshot(): number {
    this.#snapshots ??= [];
    const snapshots = this.#snapshots;
    if (snapshots.length >= MAX_SNAPSHOTS) throw new Refusal("there are too many snapshots");
    return snapshots.push(this.bytes()) - 1;
  }

  restore(id: number): boolean {
    const bytes = this.#snapshots?.[id];
    if (bytes !== undefined) this.become(bytes);
    return bytes !== undefined;
  }

  /** Replaces everything; the tree is read anew. */
  become(bytes: Pieces): void {
    this.#bytes = bytes;
    this.#tree = null;
    this.#generation += 1;
  }

  modify(start: number, count: number, data: string): void {
    const all = this.bytes();
    if (!(start >= 0 && count >= 0 && start + count <= all.size))
      throw new Refusal(`the message has ${all.size} bytes, not ${start + count}`);
    this.become(Pieces.join([all.slice(0, start), Pieces.of(data), all.slice(start + count, all.size)]));
  }
}

/** A part as a script holds it. */
export class PartHandle {
  readonly message: Message;
  #part: Part | null;
  #id: string;
  #generation: number;

  /** Without a part, the message's own. */
  constructor(message: Message, part: Part | null) {
    this.message = message;
    this.#part = part;
    this.#id = part?.id ?? "1";
    this.#generation = message.generation;
  }

  /** Of the message as it is now. */
  copy(): PartHandle {
    return new PartHandle(new Message(this.message.bytes()), null);
  }

  /** Of the part as it is now; a whole message needs no reading for that. */
  bytes(): Pieces | Promise<Pieces> {
    return this.#id === "1" ? this.message.bytes() : after(this.find(), (part) => part.all());
  }

  find(): Part | Promise<Part> {
    if (this.#part !== null && this.#generation === this.message.generation) return this.#part;
    return after(this.message.tree(), (tree) => {
      const part = partById(tree, this.#id);
      if (part === null) throw new Refusal(`the part ${this.#id} is not there any more`);
      this.#part = part;
      this.#generation = this.message.generation;
      return part;
    });
  }
}

export function partById(tree: Part, id: string): Part | null {
  const [top, ...places] = id.split(".");
  if (top !== tree.id) return null;
  let part: Part = tree;
  for (const place of places) {
    const child = part.children[Number(place) - 1];
    if (child === undefined || String(Number(place)) !== place) return null;
    part = child;
  }
  return part;
}
