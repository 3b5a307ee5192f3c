/**
 * Log-in by an OpenID provider: authorization code with PKCE, state and nonce (OpenID Connect Core 1.0, 3.1; RFC 7636).
 * What must survive the way to the provider and back travels in a signed cookie, so any replica may take the answer. The
 * provider is asked for its description with the first log-in, and again when that failed: a provider that is down keeps
 * nobody from starting the server, and no other way in from working.
 *
 * Everything that can go wrong on the way is a Refusal; what the provider says of itself goes to the log alone.
 */
import { readFile } from "node:fs/promises";
import * as openid from "openid-client";
import { Agent, fetch as undiciFetch } from "undici";

import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import { type Role, roles } from "#web/shared/web-api.ts";

import { Refusal } from "./route.ts";
import type { OidcConfig } from "./web-config.ts";

/** What the answer of the provider must fit. */
export interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface SignedOn {
  readonly name: string;
  readonly role: Role;
}

export const CALLBACK = "/api/oidc/callback";
const TIMEOUT_S = 10;

export class SingleSignOn {
  readonly #config: OidcConfig;
  readonly #log: Log;
  #provider: Promise<openid.Configuration> | null = null;
  #agent: Agent | null = null;

  constructor(config: OidcConfig, log: Log) {
    this.#config = config;
    this.#log = log;
  }

  get label(): string {
    return this.#config.label;
  }

  /** Where the browser goes, and what the answer will be held against. */
  async begin(): Promise<{ readonly url: string; readonly pending: Pending }> {
    const provider = await this.#found();
    const pending = {
      state: openid.randomState(),
      nonce: openid.randomNonce(),
      verifier: openid.randomPKCECodeVerifier(),
    };
    const url = openid.buildAuthorizationUrl(provider, {
      redirect_uri: `${this.#base()}${CALLBACK}`,
      scope: this.#config.scopes.join(" "),
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: "S256",
    });
    return { url: url.href, pending };
  }

  /** `query`: of the callback's address, with its question mark. */
  async end(query: string, pending: Pending): Promise<SignedOn> {
    const provider = await this.#found();
    const claims = await this.#claims(provider, new URL(`${this.#base()}${CALLBACK}${query}`), pending);
    const name = nameOf(claims, this.#config.nameclaim);
    if (name === null)
      throw new Refusal(403, "no-name", `the provider names nobody by ${this.#config.nameclaim}`);
    const role = roleOf(claims, this.#config);
    if (role === null) throw new Refusal(403, "no-role", `${name} has no role here`);
    return { name, role };
  }

  /** Where the browser goes to end the session there too; null where the provider knows no such place. */
  async leaveUrl(): Promise<string | null> {
    const provider = await this.#found().catch(() => null);
    if (provider?.serverMetadata().end_session_endpoint === undefined) return null;
    return openid.buildEndSessionUrl(provider, { post_logout_redirect_uri: `${this.#base()}/` }).href;
  }

  async close(): Promise<void> {
    await this.#agent?.close();
  }

  async #claims(provider: openid.Configuration, url: URL, pending: Pending): Promise<Claims> {
    try {
      const tokens = await openid.authorizationCodeGrant(provider, url, {
        expectedState: pending.state,
        expectedNonce: pending.nonce,
        pkceCodeVerifier: pending.verifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims() as Claims;
      if (!this.#config.userinfo) return claims;
      const more = await openid.fetchUserInfo(provider, tokens.access_token, String(claims["sub"]));
      return { ...more, ...claims };
    } catch (error) {
      this.#log.warn({ error: describe(error) }, "oidc-refused");
      throw new Refusal(401, "sign-on-failed", "the answer of the provider does not fit this log-in");
    }
  }

  async #found(): Promise<openid.Configuration> {
    this.#provider ??= this.#discover();
    try {
      return await this.#provider;
    } catch (error) {
      this.#provider = null;
      this.#log.warn({ issuer: this.#config.issuer, error: describe(error) }, "oidc-provider-unusable");
      throw new Refusal(502, "no-provider", "the provider of log-ins cannot be asked");
    }
  }

  async #discover(): Promise<openid.Configuration> {
    const { issuer, clientid, clientsecretfile, ca, algorithm } = this.#config;
    const secret =
      clientsecretfile === undefined ? undefined : (await readFile(clientsecretfile, "utf8")).trim();
    const server = new URL(issuer);
    if (ca !== undefined) this.#agent ??= new Agent({ connect: { ca: await readFile(ca, "utf8") } });
    const found = await openid.discovery(
      server,
      clientid,
      { id_token_signed_response_alg: algorithm },
      secret === undefined ? openid.None() : openid.ClientSecretBasic(secret),
      {
        timeout: TIMEOUT_S,
        // The schema lets plain HTTP through for this machine alone.
        ...(server.protocol === "http:" ? { execute: [openid.allowInsecureRequests] } : {}),
        ...(this.#agent === null ? {} : { [openid.customFetch]: fetchBy(this.#agent) }),
      },
    );
    // The signature counts even though the token came by TLS from the provider itself.
    openid.enableNonRepudiationChecks(found);
    return found;
  }

  #base(): string {
    return this.#config.url.replace(/\/+$/, "");
  }
}

function fetchBy(dispatcher: Agent): openid.CustomFetch {
  return (url, options) =>
    undiciFetch(url, { ...options, dispatcher } as Parameters<
      typeof undiciFetch
    >[1]) as unknown as Promise<Response>;
}

export type Claims = Readonly<Record<string, unknown>>;

/** Null: there is none that can be written down. Pure. */
export function nameOf(claims: Claims, claim: string): string | null {
  const name = claims[claim];
  if (claim === "email" && claims["email_verified"] === false) return null;
  // A name goes into the audit log and the page: printable, short.
  return typeof name === "string" && /^[^\p{C}\s]{1,128}$/u.test(name) ? name : null;
}

/** The highest role of any group, else the one for everybody; null: none. A claim may be a list or one word. Pure. */
export function roleOf(
  claims: Claims,
  { rolesclaim, roles: byGroup, defaultrole }: Pick<OidcConfig, "rolesclaim" | "roles" | "defaultrole">,
): Role | null {
  const claim = rolesclaim.split(".").reduce<unknown>(inside, claims);
  const groups = (Array.isArray(claim) ? claim : [claim]).filter((each) => typeof each === "string");
  const given = new Set(groups.flatMap((group) => (Object.hasOwn(byGroup, group) ? byGroup[group] : [])));
  return roles.findLast((role) => given.has(role)) ?? defaultrole ?? null;
}

function inside(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Claims)[key]
    : undefined;
}
