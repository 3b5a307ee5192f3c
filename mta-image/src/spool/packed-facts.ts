/**
 * What was said about a message that waits, in one small string: a million deferred messages would fill the memory
 * with objects that nobody looks at for hours. What repeats (domains, transports, servers, clients) is a number of a
 * list of words that all messages share; the list is bounded, and words beyond it stand as they are. Pure but for the
 * list, which only grows. Whatever is packed comes back equal.
 *
 *   receivedAt, id, flags, transport, [job], [tenant], [number of quotas, quotas], number of recipients, recipients, sender,
 *   kind, server, client, port, HELO name, protocol, [cipher], session, [JSON of all that is rare]
 */
import { isId, joinId, splitId } from "#base/ids.ts";

import { type Envelope, type Origin, domainOf } from "../message/envelope.ts";
import { PackedReader, packNumber, packText } from "./packed-text.ts";

export interface Facts {
  readonly id: string;
  /** Wall-clock ms. */
  readonly receivedAt: number;
  readonly envelope: Envelope;
  readonly origin: Origin;
}

/** What decides where in the queue mail of a message waits. */
export interface LineFacts {
  readonly transportId: string;
  readonly jobId: string | undefined;
  readonly tenantId: string | undefined;
  /** Of each recipient, as `domainOf` gives it. */
  readonly domains: readonly string[];
}

/** What a part of an address leaves in packed facts: of a long queue it tells at once what cannot be meant. */
export interface Seeker {
  /** In what stands there as it is. */
  readonly pattern: RegExp;
  /** Numbers of words that hold it. */
  readonly words: ReadonlySet<number>;
}

export type Addresses = Pick<Envelope, "sender" | "recipients">;

/** Longer words, or more of them, are not worth a place in a list that is never emptied. */
const MAX_WORDS = 65_536;
const MAX_WORD_LENGTH = 128;

const SMTP_UTF8 = 1;
const EIGHT_BIT = 2;
const HAS_TLS = 4;
const HAS_JOB = 8;
const HAS_TENANT = 16;
const HAS_REST = 32;
const HAS_QUOTAS = 64;
const none: readonly string[] = [];

export class FactsPacker {
  readonly #numbers = new Map<string, number>();
  readonly #words: string[] = [];

  pack({ id, receivedAt, envelope, origin }: Facts): string {
    const { sender, recipients, smtpUtf8, eightBit, transportId, jobId, tenantId, quotas, ...rest } =
      envelope;
    const { tls } = origin;
    const hasRest = Object.values(rest).some((value) => value !== undefined);
    const flags =
      (smtpUtf8 ? SMTP_UTF8 : 0) |
      (eightBit ? EIGHT_BIT : 0) |
      (tls === null ? 0 : HAS_TLS) |
      (jobId === undefined ? 0 : HAS_JOB) |
      (tenantId === undefined ? 0 : HAS_TENANT) |
      (quotas === undefined ? 0 : HAS_QUOTAS) |
      (hasRest ? HAS_REST : 0);
    const parts = [
      packNumber(receivedAt),
      this.#id(id, receivedAt),
      packNumber(flags),
      this.#word(transportId),
    ];
    if (jobId !== undefined) parts.push(this.#word(jobId));
    if (tenantId !== undefined) parts.push(this.#word(tenantId));
    if (quotas !== undefined) {
      parts.push(packNumber(quotas.length));
      for (const quota of quotas) parts.push(this.#word(quota));
    }
    parts.push(packNumber(recipients.length));
    for (const recipient of recipients) parts.push(this.#address(recipient));
    parts.push(this.#address(sender), this.#origin(origin), this.#id(origin.sessionId, receivedAt));
    if (hasRest) parts.push(JSON.stringify(rest));
    // Joined and not added up: a sum would hold on to its parts.
    return parts.join("");
  }

  unpack(packed: string): Facts {
    const reader = new PackedReader(packed);
    const receivedAt = reader.number();
    const id = this.#readId(reader, receivedAt);
    const flags = reader.number();
    const has = (flag: number): boolean => (flags & flag) !== 0;
    const transportId = this.#readWord(reader);
    const jobId = has(HAS_JOB) ? this.#readWord(reader) : undefined;
    const tenantId = has(HAS_TENANT) ? this.#readWord(reader) : undefined;
    const quotas = has(HAS_QUOTAS) ? this.#readWords(reader) : undefined;
    const recipients: string[] = [];
    for (let left = reader.number(); left > 0; left--) recipients.push(this.#readAddress(reader));
    const sender = this.#readAddress(reader);
    const origin = {
      ...this.#readOrigin(reader, has(HAS_TLS)),
      sessionId: this.#readId(reader, receivedAt),
    };
    const envelope: Envelope = {
      sender,
      recipients,
      smtpUtf8: has(SMTP_UTF8),
      eightBit: has(EIGHT_BIT),
      transportId,
      ...(jobId === undefined ? {} : { jobId }),
      ...(tenantId === undefined ? {} : { tenantId }),
      ...(quotas === undefined ? {} : { quotas }),
      ...(has(HAS_REST) ? (JSON.parse(reader.rest()) as Partial<Envelope>) : {}),
    };
    return { id, receivedAt, envelope, origin };
  }

  // One thing without the others costs less.
  receivedAt(packed: string): number {
    return new PackedReader(packed).number();
  }

  id(packed: string): string {
    const reader = new PackedReader(packed);
    return this.#readId(reader, reader.number());
  }

  /** When the id was made; null where that does not stand in it. */
  idMadeAt(packed: string): number | null {
    const reader = new PackedReader(packed);
    const receivedAt = reader.number();
    const age = reader.number();
    return age === 0 ? null : receivedAt - age + 1;
  }

  addresses(packed: string): Addresses {
    const reader = new PackedReader(packed);
    this.#skipToAddresses(reader);
    const recipients: string[] = [];
    for (let left = reader.number(); left > 0; left--) recipients.push(this.#readAddress(reader));
    return { recipients, sender: this.#readAddress(reader) };
  }

  seeker(part: string): Seeker {
    const at = part.lastIndexOf("@");
    // What is in front of it can only be in a local part, and that stands in no word.
    const local = at > 0 ? part.slice(0, at) : part;
    const pattern = new RegExp(local.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"), "i");
    const wanted = part.toLowerCase();
    const isMeant = (word: string): boolean => at <= 0 && word.toLowerCase().includes(wanted);
    const words = this.#words.flatMap((word, index) => (isMeant(word) ? [index + 1] : []));
    return { pattern, words: new Set(words) };
  }

  /** False: no address of it holds what is sought. True: one may. */
  mayHold(packed: string, { pattern, words }: Seeker): boolean {
    return pattern.test(packed) || (words.size > 0 && this.#hasWord(packed, words));
  }

  #hasWord(packed: string, words: ReadonlySet<number>): boolean {
    const reader = new PackedReader(packed);
    this.#skipToAddresses(reader);
    // Recipients, and the sender behind them.
    for (let left = reader.number() + 1; left > 0; left--) {
      if (words.has(reader.number())) return true;
      reader.skipText();
    }
    return false;
  }

  #skipToAddresses(reader: PackedReader): void {
    if (this.#skipToQuotas(reader)) this.#skipWords(reader, reader.number());
  }

  /** False: there are none, and addresses follow. */
  #skipToQuotas(reader: PackedReader): boolean {
    reader.number();
    this.#skipId(reader);
    const flags = reader.number();
    this.#skipWords(reader, 1 + ((flags & HAS_JOB) === 0 ? 0 : 1) + ((flags & HAS_TENANT) === 0 ? 0 : 1));
    return (flags & HAS_QUOTAS) !== 0;
  }

  #skipWords(reader: PackedReader, count: number): void {
    for (let left = count; left > 0; left--) if (reader.number() === 0) reader.skipText();
  }

  quotas(packed: string): readonly string[] {
    const reader = new PackedReader(packed);
    return this.#skipToQuotas(reader) ? this.#readWords(reader) : none;
  }

  line(packed: string): LineFacts {
    const reader = new PackedReader(packed);
    reader.number();
    this.#skipId(reader);
    const flags = reader.number();
    const transportId = this.#readWord(reader);
    const jobId = (flags & HAS_JOB) === 0 ? undefined : this.#readWord(reader);
    const tenantId = (flags & HAS_TENANT) === 0 ? undefined : this.#readWord(reader);
    if ((flags & HAS_QUOTAS) !== 0) this.#skipWords(reader, reader.number());
    const domains: string[] = [];
    for (let left = reader.number(); left > 0; left--) domains.push(this.#readDomain(reader));
    return { transportId, jobId, tenantId, domains };
  }

  /** Those with a number above `count`, in order. */
  wordsFrom(count: number): readonly string[] {
    return this.#words.slice(count);
  }

  /** Words of another process, as if they had come up here. False when other words have their numbers already. */
  learn(count: number, words: readonly string[]): boolean {
    return words.every((word, index) => {
      const known = this.#words[count + index];
      return known === word || (known === undefined && this.#numberOf(word) === count + index + 1);
    });
  }

  #origin({ kind, serverId, remoteIp, remotePort, helo, protocol, tls }: Origin): string {
    const client = `${this.#word(remoteIp)}${packNumber(remotePort)}${this.#word(helo)}`;
    const way = `${this.#word(protocol)}${tls === null ? "" : this.#word(tls)}`;
    return `${this.#word(kind)}${this.#word(serverId)}${client}${way}`;
  }

  #readOrigin(reader: PackedReader, hasTls: boolean): Omit<Origin, "sessionId"> {
    return {
      kind: this.#readWord(reader) as Origin["kind"],
      serverId: this.#readWord(reader),
      remoteIp: this.#readWord(reader),
      remotePort: reader.number(),
      helo: this.#readWord(reader),
      protocol: this.#readWord(reader),
      tls: hasTls ? this.#readWord(reader) : null,
    };
  }

  /** How old it was, and what all ids of one process have in common. */
  #id(id: string, receivedAt: number): string {
    if (!isId(id)) return packNumber(0) + packText(id);
    const { ms, process, count } = splitId(id);
    // A clock that was set back puts it behind the message: then it stands as it is.
    if (ms > receivedAt) return packNumber(0) + packText(id);
    return `${packNumber(receivedAt - ms + 1)}${this.#word(process)}${packNumber(count)}`;
  }

  #readId(reader: PackedReader, receivedAt: number): string {
    const age = reader.number();
    if (age === 0) return reader.text();
    return joinId(receivedAt - age + 1, this.#readWord(reader), reader.number());
  }

  #skipId(reader: PackedReader): void {
    if (reader.number() === 0) return reader.skipText();
    if (reader.number() === 0) reader.skipText();
    reader.number();
  }

  /** Its domain as a word, behind its local part. */
  #address(address: string): string {
    const at = address.lastIndexOf("@");
    const domain = at === -1 ? 0 : this.#numberOf(address.slice(at));
    return packNumber(domain) + packText(domain === 0 ? address : address.slice(0, at));
  }

  #readAddress(reader: PackedReader): string {
    const domain = reader.number();
    return domain === 0 ? reader.text() : `${reader.text()}${this.#words[domain - 1]}`;
  }

  #readDomain(reader: PackedReader): string {
    const domain = reader.number();
    if (domain === 0) return domainOf(reader.text());
    reader.skipText();
    return domainOf(this.#words[domain - 1] as string);
  }

  #word(text: string): string {
    const number = this.#numberOf(text);
    return number === 0 ? packNumber(0) + packText(text) : packNumber(number);
  }

  #readWord(reader: PackedReader): string {
    const number = reader.number();
    return number === 0 ? reader.text() : (this.#words[number - 1] as string);
  }

  #readWords(reader: PackedReader): string[] {
    const words: string[] = [];
    for (let left = reader.number(); left > 0; left--) words.push(this.#readWord(reader));
    return words;
  }

  /** From 1 on; 0 for a text that is no word. */
  #numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    if (this.#words.length >= MAX_WORDS || text.length > MAX_WORD_LENGTH) return 0;
    const number = this.#words.push(text);
    this.#numbers.set(text, number);
    return number;
  }
}

/** The words of all spools of the process. */
export const facts = new FactsPacker();
