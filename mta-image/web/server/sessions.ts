/**
 * Who a request comes from. A session is a signed cookie and nothing else, so any replica can answer and a restart logs
 * nobody out; it ends with its lifetime, with the user or with the user's password. A proxy in front may say who comes,
 * when it speaks from a trusted network; its headers from anywhere else are not looked at.
 *
 * A request that changes something must carry the token that only a page of ours can know.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { BlockList, isIPv6 } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";

import type { Clock } from "#base/clock.ts";
import { Role, roles } from "#web/shared/web-api.ts";

import type { User, Users } from "./users.ts";
import type { WebConfig } from "./web-config.ts";

export interface Visitor {
  readonly user: string;
  readonly role: Role;
  readonly csrf: string;
  readonly canLogOut: boolean;
  /** By an OpenID provider, which has a session of its own. */
  readonly isSignedOn: boolean;
}

interface SessionOptions {
  readonly users: Users;
  readonly clock: Clock;
  readonly key: Buffer;
  readonly lifetimeMs: number;
  readonly proxy: WebConfig["proxy"];
  /** Changes with the provider or what is made of its groups, which ends what was begun before; null: there is none. */
  readonly signOnStamp: string | null;
}

export const COOKIE = "mailfleet_session";

/** By how much clocks of replicas may differ. A session from further ahead would outlive its time: the clock was set back. */
const MOST_AHEAD_MS = 5 * 60_000;

const Ticket = z.strictObject({
  user: z.string().max(256),
  stamp: z.string().max(64),
  /** Of somebody whom an OpenID provider named: no file has them, so what it said holds while the session does. */
  role: Role.optional(),
  since: z.number(),
  nonce: z.string().max(64),
});

export class Sessions {
  readonly #options: SessionOptions;
  readonly #trusted: BlockList | null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#trusted = options.proxy === undefined ? null : networksOf(options.proxy.trusted);
  }

  /** Null: nobody that we know. */
  async visitor(request: FastifyRequest): Promise<Visitor | null> {
    return this.#fromProxy(request) ?? (await this.#fromCookie(request));
  }

  begin(reply: FastifyReply, user: User): Visitor {
    return this.#cookieVisitor(user, this.#give(reply, { user: user.name, stamp: user.stamp }), false);
  }

  /** Of somebody whom an OpenID provider named. */
  beginSignedOn(reply: FastifyReply, { name, role }: { readonly name: string; readonly role: Role }): void {
    this.#give(reply, { user: name, role, stamp: this.#options.signOnStamp ?? "" });
  }

  /** The nonce. */
  #give(
    reply: FastifyReply,
    whose: { readonly user: string; readonly stamp: string; readonly role?: Role },
  ): string {
    const since = this.#options.clock.now();
    const ticket = { ...whose, since, nonce: randomBytes(18).toString("base64url") };
    void reply.setCookie(COOKIE, Buffer.from(JSON.stringify(ticket)).toString("base64url"), {
      ...this.cookie(reply.request),
      signed: true,
      maxAge: Math.floor(this.#options.lifetimeMs / 1000),
    });
    return ticket.nonce;
  }

  end(reply: FastifyReply): void {
    void reply.clearCookie(COOKIE, this.cookie(reply.request));
  }

  /** Whether a request that changes something was made by a page of ours. */
  isGenuine(request: FastifyRequest, visitor: Visitor): boolean {
    const given = request.headers["x-csrf-token"];
    if (typeof given !== "string" || !isFromHere(request)) return false;
    return timingSafeEqual(this.#mac(given), this.#mac(visitor.csrf));
  }

  /** How every cookie of ours is kept. */
  cookie(request: FastifyRequest): { path: string; httpOnly: true; sameSite: "strict"; secure: boolean } {
    return { path: "/", httpOnly: true, sameSite: "strict", secure: request.protocol === "https" };
  }

  async #fromCookie(request: FastifyRequest): Promise<Visitor | null> {
    const cookie = request.cookies[COOKIE];
    if (cookie === undefined) return null;
    const { valid, value } = request.unsignCookie(cookie);
    if (!valid || value === null) return null;
    const ticket = parseTicket(value);
    const { clock, lifetimeMs, users } = this.#options;
    if (ticket === null) return null;
    const age = clock.now() - ticket.since;
    if (age > lifetimeMs || age < -MOST_AHEAD_MS) return null;
    const user =
      ticket.role === undefined
        ? await users.find(ticket.user)
        : { name: ticket.user, role: ticket.role, stamp: this.#options.signOnStamp };
    if (user === null || user.stamp !== ticket.stamp) return null;
    return this.#cookieVisitor(user, ticket.nonce, ticket.role !== undefined);
  }

  #cookieVisitor({ name, role }: Pick<User, "name" | "role">, nonce: string, isSignedOn: boolean): Visitor {
    return { user: name, role, csrf: this.#token(`cookie ${nonce}`), canLogOut: true, isSignedOn };
  }

  #fromProxy(request: FastifyRequest): Visitor | null {
    const { proxy } = this.#options;
    if (proxy === undefined || !this.#isTrusted(request.socket.remoteAddress ?? "")) return null;
    const user = request.headers[proxy.userheader];
    if (typeof user !== "string" || !/^[\x21-\x7e]{1,128}$/.test(user)) return null;
    const groups = String(request.headers[proxy.groupsheader] ?? "").split(/[,;|\s]+/);
    const given = new Set(groups.flatMap((group) => proxy.roles[group] ?? []));
    const role = roles.findLast((name) => given.has(name));
    if (role === undefined) return null;
    return { user, role, csrf: this.#token(`proxy ${user}`), canLogOut: false, isSignedOn: false };
  }

  #isTrusted(address: string): boolean {
    const plain = address.replace(/^::ffff:(?=\d+\.)/, "");
    return this.#trusted?.check(plain, isIPv6(plain) ? "ipv6" : "ipv4") ?? false;
  }

  #token(what: string): string {
    return this.#mac(`csrf ${what}`).toString("base64url");
  }

  #mac(text: string): Buffer {
    return createHmac("sha256", this.#options.key).update(text).digest();
  }
}

/** Browsers say where a request comes from; who says nothing is no browser, and has the token or not. */
export function isFromHere({ headers }: FastifyRequest): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") return false;
  const { origin, host } = headers;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function parseTicket(value: string): z.infer<typeof Ticket> | null {
  try {
    return Ticket.parse(JSON.parse(Buffer.from(value, "base64url").toString("utf8")));
  } catch {
    return null;
  }
}

export function networksOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
