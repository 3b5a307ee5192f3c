/**
 * Authentication in one engine: keys and rules as the configuration names them, changed by a reload, put in front of
 * the one door. Mail of clients that may relay, of those that have logged in and of ourselves is signed; all other mail
 * is verified. Without configuration mail passes untouched. A key that cannot be used keeps a configuration from
 * coming into force: mail must not go out unsigned because of a slip.
 */
import { readFile } from "node:fs/promises";

import type { Clock } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { RecordResolver } from "../dns/resolver.ts";
import type { IntakeFigures } from "../intake/held-pieces.ts";
import type { Intake } from "../intake/intake.ts";
import type { Origin } from "../message/envelope.ts";
import { type AuthenticationCounters, makeAuthenticationCounters } from "./counters.ts";
import { ForeignMail } from "./foreign-mail.ts";
import { type SigningKey, readSigningKey } from "./key.ts";
import { library } from "./library.ts";
import { OwnMail } from "./own-mail.ts";
import { queryOf } from "./query.ts";

export interface AuthenticationRules {
  readonly keys: readonly {
    readonly id: string;
    readonly domain: string;
    readonly selector: string;
    readonly file: string;
  }[];
  readonly sign: readonly { readonly domains: readonly string[]; readonly keys: readonly string[] }[];
  readonly verify?:
    | {
        readonly servers?: readonly string[] | undefined;
        readonly enforce: boolean;
        readonly seal?: string | undefined;
      }
    | undefined;
}

export interface AuthenticationOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly resolver: RecordResolver;
  readonly authority: () => string;
  readonly figures: IntakeFigures;
}

/** Whether a client may send anywhere without AUTH. */
export type MayRelay = (origin: Origin) => boolean;

interface InForce {
  readonly rules: AuthenticationRules;
  readonly keys: ReadonlyMap<string, SigningKey>;
  /** By domain. */
  readonly signers: ReadonlyMap<string, readonly SigningKey[]>;
}

export class Authentication {
  readonly counters: AuthenticationCounters = makeAuthenticationCounters();
  readonly #options: AuthenticationOptions;
  #inForce: InForce | null = null;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
  }

  /** Reads the keys; the result puts all in force. Rejects with a Failure `signing-key` that names the key. */
  async prepare(rules: AuthenticationRules | undefined): Promise<() => void> {
    const inForce = rules === undefined ? null : await load(rules);
    return () => {
      this.#inForce = inForce;
    };
  }

  /** A key by its name in the configuration, for whoever signs by hand. */
  key(id: string): SigningKey | null {
    return this.#inForce?.keys.get(id) ?? null;
  }

  /** The door with authentication in front. */
  before(intake: Intake, mayRelay: MayRelay): Intake {
    return this.verifying(this.signing(intake, mayRelay), mayRelay);
  }

  /** Mail from outside is verified on its way to this door. */
  verifying(intake: Intake, mayRelay: MayRelay): Intake {
    return {
      begin: (envelope, origin) => {
        const inForce = this.#inForce;
        if (inForce === null || isOwn(origin, mayRelay)) return intake.begin(envelope, origin);
        return this.#foreign(intake, { envelope, origin }, inForce);
      },
    };
  }

  /** Our own mail is signed on its way to this door, behind whatever changes it. */
  signing(intake: Intake, mayRelay: MayRelay): Intake {
    return {
      begin: (envelope, origin) => {
        const inForce = this.#inForce;
        if (inForce === null || !isOwn(origin, mayRelay)) return intake.begin(envelope, origin);
        return this.#own(intake, { envelope, origin }, inForce);
      },
    };
  }

  #own(intake: Intake, mail: Mail, { signers }: InForce): ReturnType<Intake["begin"]> {
    if (signers.size === 0) return intake.begin(mail.envelope, mail.origin);
    const { clock, log } = this.#options;
    const keysFor = (domain: string): readonly SigningKey[] => keysOf(signers, domain);
    return new OwnMail(intake, mail, { clock, log, counters: this.counters, keysFor });
  }

  #foreign(intake: Intake, mail: Mail, { rules, keys }: InForce): ReturnType<Intake["begin"]> {
    const { verify } = rules;
    const isWanted = verify?.servers?.includes(mail.origin.serverId) ?? true;
    if (verify === undefined || !isWanted) return intake.begin(mail.envelope, mail.origin);
    const { clock, resolver, authority, figures } = this.#options;
    return new ForeignMail(intake, mail, {
      clock,
      query: queryOf(resolver),
      authority: authority(),
      seal: keys.get(verify.seal ?? "") ?? null,
      enforce: verify.enforce,
      counters: this.counters,
      figures,
    });
  }
}

/** RFC 3848: the name of the protocol ends in A after AUTH. */
function isOwn(origin: Origin, mayRelay: MayRelay): boolean {
  return origin.kind === "notice" || origin.protocol.endsWith("A") || mayRelay(origin);
}

interface Mail {
  readonly envelope: Parameters<Intake["begin"]>[0];
  readonly origin: Origin;
}

async function load(rules: AuthenticationRules): Promise<InForce> {
  // Now rather than with the first message.
  await library();
  const keys = new Map<string, SigningKey>();
  for (const { id, domain, selector, file } of rules.keys) {
    try {
      keys.set(id, readSigningKey({ domain, selector, key: await readFile(file, "utf8") }));
    } catch (error) {
      throw new Failure("signing-key", `authentication.keys "${id}": ${describe(error)}`, { cause: error });
    }
  }
  const signers = new Map<string, readonly SigningKey[]>();
  for (const { domains, keys: names } of rules.sign) {
    const used = names.map((name) => keys.get(name)).filter((key) => key !== undefined);
    for (const domain of domains.map((name) => name.toLowerCase()))
      if (!signers.has(domain)) signers.set(domain, used);
  }
  return { rules, keys, signers };
}

/** Those of the domain, or of the nearest one above it. */
function keysOf(signers: ReadonlyMap<string, readonly SigningKey[]>, domain: string): readonly SigningKey[] {
  for (let name = domain; name !== ""; name = name.includes(".") ? name.slice(name.indexOf(".") + 1) : "") {
    const keys = signers.get(name);
    if (keys !== undefined) return keys;
  }
  return [];
}
