/**
 * What is live and where: messages by id, and live bytes by segment. Memory only; recovery fills it.
 * Content of fresh messages is kept, up to a bound, so that the first attempt need not read it back.
 */
import { IdTable } from "./id-table.ts";
import type { KeptContent } from "./kept-content.ts";
import type { LiveMessage } from "./live-message.ts";
import type { Location } from "./batch.ts";

export class Catalog {
  readonly #live = new IdTable<LiveMessage>();
  readonly #segmentBytes = new Map<number, number>();
  readonly #cache = new Map<LiveMessage, KeptContent>();
  readonly #maxCachedBytes: number;
  #cachedBytes = 0;
  #liveBytes = 0;

  constructor(maxCachedBytes: number) {
    this.#maxCachedBytes = maxCachedBytes;
  }

  get size(): number {
    return this.#live.size;
  }

  clear(): void {
    for (const message of this.#live.values()) this.remove(message);
  }

  get(id: string): LiveMessage | undefined {
    return this.#live.get(id);
  }

  values(): Iterable<LiveMessage> {
    return this.#live.values();
  }

  /** The bytes of a message while there is room for them. */
  content(message: LiveMessage): KeptContent | null {
    return this.#cache.get(message) ?? null;
  }

  add(message: LiveMessage, content: KeptContent | null = null): void {
    const before = this.#live.get(message.id);
    if (before !== undefined) this.remove(before);
    this.#live.add(message);
    this.#count(message.location, 1);
    if (content !== null) this.#keep(message, content);
  }

  remove(message: LiveMessage): void {
    if (!this.#live.delete(message.id)) return;
    this.#count(message.location, -1);
    this.#drop(message);
  }

  /** The message's record was written anew. */
  move(message: LiveMessage, location: Location): void {
    this.#count(message.location, -1);
    message.location = location;
    this.#count(location, 1);
  }

  liveBytes(segment: number): number {
    return this.#segmentBytes.get(segment) ?? 0;
  }

  totalLiveBytes(): number {
    return this.#liveBytes;
  }

  inSegment(segment: number): LiveMessage[] {
    const found: LiveMessage[] = [];
    for (const message of this.#live.values()) if (message.segment === segment) found.push(message);
    return found;
  }

  #count(location: Location, sign: 1 | -1): void {
    this.#liveBytes += sign * location.length;
    const bytes = (this.#segmentBytes.get(location.segment) ?? 0) + sign * location.length;
    if (bytes === 0) this.#segmentBytes.delete(location.segment);
    else this.#segmentBytes.set(location.segment, bytes);
  }

  #keep(message: LiveMessage, content: KeptContent): void {
    this.#cache.set(message, content);
    this.#cachedBytes += message.sizeBytes;
    for (const oldest of this.#cache.keys()) {
      if (this.#cachedBytes <= this.#maxCachedBytes) return;
      this.#drop(oldest);
    }
  }

  #drop(message: LiveMessage): void {
    if (this.#cache.delete(message)) this.#cachedBytes -= message.sizeBytes;
  }
}
