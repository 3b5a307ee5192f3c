/**
 * Gathers from a message, while it arrives, what Spamhaus may know: hosts and forms of URLs, addresses, wallets, hashes
 * of attachments. Everything is bounded by number and bytes; what is beyond passes unasked and `isCut` says so. Never
 * throws. A piece of 64 KiB is the work of one call, so the loop is never held for long.
 */
import { type Hash, createHash } from "node:crypto";

import type { PartHead } from "../message/mime-fields.ts";
import { MimeReader, type PartSink, mimeLimits } from "../message/mime-reader.ts";
import { makeDecoder } from "../message/transfer-decoder.ts";
import { findAddresses, findUrls, withoutEntities } from "./find.ts";
import { base32 } from "./hash.ts";
import { type UrlRules, parseUrl, urlForm } from "./normalize-url.ts";
import { PartText } from "./part-text.ts";
import { findWallets } from "./wallets.ts";

export interface ExtractLimits {
  readonly urls: number;
  readonly addresses: number;
  readonly wallets: number;
  readonly files: number;
}

/** Text that is searched in one message; attachments are hashed whatever their size. */
const MOST_TEXT_BYTES = 4 * 1024 * 1024;
/** "://", "www." and "@" that are looked at in one message. */
const MOST_MARKS = 1000;
/** Messages inside messages inside messages. */
const MOST_EMBEDDED = 8;
/** Text that is kept for the next piece, since a URL may be cut. */
const LONGEST_TAIL = 1200;
/** Fields of the message's own header that hold addresses of those it claims to come from. */
const SENDER_FIELDS: ReadonlySet<string> = new Set(["from", "reply-to", "sender"]);
/** Fields whose text may hold URLs. */
const TEXT_FIELDS: ReadonlySet<string> = new Set(["subject", "list-unsubscribe"]);

export class Extractor {
  readonly hosts = new Set<string>();
  /** Addresses as hosts of URLs. */
  readonly ips = new Set<string>();
  /** As HBL hashes them. */
  readonly urls = new Set<string>();
  readonly addresses = new Set<string>();
  readonly wallets = new Set<string>();
  /** base32 of SHA-256. */
  readonly files = new Set<string>();
  readonly #limits: ExtractLimits;
  readonly #rules: UrlRules;
  readonly #reader: MimeReader;
  readonly #marks = { left: MOST_MARKS };
  readonly #takeUrl = (url: string): void => this.#addUrl(url);
  readonly #takeAddress = (address: string): void =>
    this.#add(this.addresses, address.toLowerCase(), this.#limits.addresses);
  readonly #takeWallet = (wallet: string): void => this.#add(this.wallets, wallet, this.#limits.wallets);
  #textBytes = 0;
  #openFiles = 0;
  #isCut = false;

  constructor(limits: ExtractLimits, rules: UrlRules) {
    this.#limits = limits;
    this.#rules = rules;
    this.#reader = this.#makeReader(0);
  }

  get isCut(): boolean {
    return this.#isCut || this.#reader.isCut;
  }

  push(piece: Buffer): void {
    this.#reader.push(piece);
  }

  end(): void {
    this.#reader.end();
  }

  #makeReader(embedded: number): MimeReader {
    return new MimeReader(
      {
        field: (name, value, depth) => {
          if (depth > 0) return;
          if (SENDER_FIELDS.has(name)) findAddresses(value, this.#marks, this.#takeAddress);
          else if (TEXT_FIELDS.has(name)) this.#search(value);
        },
        part: (head) => this.#part(head, embedded),
      },
      mimeLimits,
    );
  }

  #part(head: PartHead, embedded: number): PartSink | null {
    const sinks: PartSink[] = [];
    const isMessage = head.type === "message/rfc822" || head.type === "message/global";
    if (isMessage) {
      if (embedded < MOST_EMBEDDED) sinks.push(this.#embedded(embedded + 1));
      else this.#isCut = true;
    }
    const isText = head.type.startsWith("text/") || head.type.startsWith("multipart/");
    if (isText) sinks.push(this.#text(head));
    if (!isMessage && (head.isAttachment || !isText)) {
      if (this.#openFiles++ < this.#limits.files) sinks.push(this.#file());
      else this.#isCut = true;
    }
    return sinks.length === 0 ? null : decoded(head.encoding, sinks);
  }

  #embedded(depth: number): PartSink {
    const reader = this.#makeReader(depth);
    return {
      write: (piece) => reader.push(piece),
      end: () => {
        reader.end();
        if (reader.isCut) this.#isCut = true;
      },
    };
  }

  #file(): PartSink {
    const hash: Hash = createHash("sha256");
    let bytes = 0;
    return {
      write: (piece) => {
        bytes += piece.length;
        hash.update(piece);
      },
      end: () => {
        if (bytes > 0) this.files.add(base32(hash.digest()));
      },
    };
  }

  #text({ type, charset }: PartHead): PartSink {
    const decoder = new PartText(charset);
    const isHtml = type === "text/html";
    let tail = "";
    const search = (text: string): void => this.#search(isHtml ? withoutEntities(text) : text);
    return {
      write: (piece) => {
        if (this.#textBytes >= MOST_TEXT_BYTES) {
          this.#isCut = true;
          return;
        }
        this.#textBytes += piece.length;
        const text = tail + decoder.push(piece);
        const end = lastBlank(text);
        tail = text.slice(end);
        search(text.slice(0, end));
      },
      end: () => search(tail + decoder.end()),
    };
  }

  #search(text: string): void {
    if (text === "") return;
    findUrls(text, this.#marks, this.#takeUrl);
    findAddresses(text, this.#marks, this.#takeAddress);
    findWallets(text, this.#takeWallet);
    if (this.#marks.left === 0) this.#isCut = true;
  }

  #addUrl(text: string): void {
    if (this.urls.size >= this.#limits.urls) {
      this.#isCut = true;
      return;
    }
    const url = parseUrl(text.replaceAll("&amp;", "&"));
    if (url === null) return;
    this.#add(url.isAddress ? this.ips : this.hosts, url.host, this.#limits.urls);
    this.#add(this.urls, urlForm(url, this.#rules), this.#limits.urls);
  }

  #add(to: Set<string>, value: string, most: number): void {
    if (to.size < most) to.add(value);
    else if (!to.has(value)) this.#isCut = true;
  }
}

function decoded(encoding: PartHead["encoding"], sinks: readonly PartSink[]): PartSink {
  const decoder = makeDecoder(encoding);
  const write = (piece: Buffer): void => {
    if (piece.length > 0) for (const sink of sinks) sink.write(piece);
  };
  return {
    write: (piece) => write(decoder.push(piece)),
    end: () => {
      write(decoder.end());
      for (const sink of sinks) sink.end();
    },
  };
}

/** Where the text may be cut: behind the last blank or bracket, unless that is too far back. */
function lastBlank(text: string): number {
  const least = Math.max(0, text.length - LONGEST_TAIL);
  for (let at = text.length - 1; at >= least; at--) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code === 0x3c || code === 0x3e || code === 0x22) return at + 1;
  }
  return least === 0 ? 0 : text.length;
}
