/**
 * Envelope and origin of a message that waits, in one small string: a million deferred messages would fill the memory
 * with objects that nobody looks at for hours. What repeats (domains, transports, servers, clients) is a number of a
 * list of words that all messages share; the list is bounded, and words beyond it stand as they are. Pure but for the
 * list, which only grows. Whatever is packed comes back equal.
 */
import type { Envelope, Origin } from "../message/envelope.ts";

export interface Facts {
  readonly envelope: Envelope;
  readonly origin: Origin;
}

/** Longer words, or more of them, are not worth a place in a list that is never emptied. */
const MAX_WORDS = 65_536;
const MAX_WORD_LENGTH = 128;

type Word = string | number;
/** As it is, or its local part with the number of "@domain". */
type Address = string | readonly [local: string, domain: number];
type Rest = Omit<Envelope, "sender" | "recipients" | "smtpUtf8" | "eightBit" | "transportId">;
type Packed = readonly [
  envelope: readonly [Address, readonly Address[], flags: number, transportId: Word, ...rest: Rest[]],
  origin: readonly [
    kind: Word,
    serverId: Word,
    remoteIp: Word,
    remotePort: number,
    helo: Word,
    protocol: Word,
    tls: Word | null,
    sessionId: string,
  ],
];

export class FactsPacker {
  readonly #numbers = new Map<string, number>();
  readonly #words: string[] = [];

  pack({ envelope, origin }: Facts): string {
    const packed: Packed = [this.#packEnvelope(envelope), this.#packOrigin(origin)];
    return JSON.stringify(packed);
  }

  unpack(packed: string): Facts {
    const [envelope, origin] = JSON.parse(packed) as Packed;
    const [sender, recipients, flags, transportId, rest] = envelope;
    const [kind, serverId, remoteIp, remotePort, helo, protocol, tls, sessionId] = origin;
    return {
      envelope: {
        sender: this.#whole(sender),
        recipients: recipients.map((address) => this.#whole(address)),
        smtpUtf8: (flags & 1) !== 0,
        eightBit: (flags & 2) !== 0,
        transportId: this.#text(transportId),
        ...rest,
      },
      origin: {
        kind: this.#text(kind) as Origin["kind"],
        serverId: this.#text(serverId),
        remoteIp: this.#text(remoteIp),
        remotePort,
        helo: this.#text(helo),
        protocol: this.#text(protocol),
        tls: tls === null ? null : this.#text(tls),
        sessionId,
      },
    };
  }

  #packEnvelope(envelope: Envelope): Packed[0] {
    const { sender, recipients, smtpUtf8, eightBit, transportId, ...rest } = envelope;
    const hasRest = Object.values(rest).some((value) => value !== undefined);
    return [
      this.#address(sender),
      recipients.map((address) => this.#address(address)),
      (smtpUtf8 ? 1 : 0) + (eightBit ? 2 : 0),
      this.#word(transportId),
      ...(hasRest ? [rest] : []),
    ];
  }

  #packOrigin(origin: Origin): Packed[1] {
    const { kind, serverId, remoteIp, remotePort, helo, protocol, tls, sessionId } = origin;
    return [
      this.#word(kind),
      this.#word(serverId),
      this.#word(remoteIp),
      remotePort,
      this.#word(helo),
      this.#word(protocol),
      tls === null ? null : this.#word(tls),
      sessionId,
    ];
  }

  #address(address: string): Address {
    const at = address.lastIndexOf("@");
    const domain = at === -1 ? "" : this.#word(address.slice(at));
    return typeof domain === "number" ? [address.slice(0, at), domain] : address;
  }

  #whole(address: Address): string {
    return typeof address === "string" ? address : address[0] + this.#text(address[1]);
  }

  #word(text: string): Word {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    if (this.#words.length >= MAX_WORDS || text.length > MAX_WORD_LENGTH) return text;
    this.#numbers.set(text, this.#words.length);
    return this.#words.push(text) - 1;
  }

  #text(word: Word): string {
    return typeof word === "string" ? word : (this.#words[word] as string);
  }
}
