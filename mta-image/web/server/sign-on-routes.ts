/**
 * The way to an OpenID provider and back. Both are places that a browser goes to, so they answer with redirections: to the
 * provider, or to the page, which then says what went wrong by a word of ours and never by text of the address.
 */
import { z } from "zod";

import type { Clock } from "#base/clock.ts";
import { LoginWays } from "#web/shared/web-api.ts";

import { Redirect, Refusal, type Route, route } from "./route.ts";
import type { Sessions } from "./sessions.ts";
import type { Pending, SingleSignOn } from "./single-sign-on.ts";

export interface SignOnDoor {
  readonly sessions: Sessions;
  /** Null: nobody logs in so. */
  readonly signOn: SingleSignOn | null;
  readonly hasPasswords: boolean;
  readonly title: string;
  readonly clock: Clock;
}

export const PENDING_COOKIE = "mailfleet_sign_on";
const PENDING_S = 600;

const Kept = z.strictObject({
  state: z.string().min(1),
  nonce: z.string().min(1),
  verifier: z.string().min(1),
  since: z.number(),
}) satisfies z.ZodType<Pending>;

export function signOnRoutes(door: SignOnDoor): readonly Route[] {
  return [ways(door), ...(door.signOn === null ? [] : [begin(door, door.signOn), end(door, door.signOn)])];
}

function ways({ signOn, hasPasswords, title }: SignOnDoor): Route {
  return route({
    method: "GET",
    path: "/login",
    name: "login.ways",
    summary: "How one may log in here",
    role: null,
    answer: LoginWays,
    handle: async () => ({ title, password: hasPasswords, signOn: signOn?.label ?? null }),
  });
}

function begin({ sessions, clock }: SignOnDoor, signOn: SingleSignOn): Route {
  return route({
    method: "GET",
    path: "/oidc/login",
    name: "oidc.login",
    summary: "To the OpenID provider",
    role: null,
    isBrowsed: true,
    handle: async ({ reply }) => {
      const { url, pending } = await signOn.begin();
      const kept = { ...pending, since: clock.now() };
      void reply.setCookie(PENDING_COOKIE, Buffer.from(JSON.stringify(kept)).toString("base64url"), {
        ...sessions.cookie(reply.request),
        // The way back starts at another site, so a strict cookie would stay behind.
        sameSite: "lax",
        path: "/api/oidc",
        signed: true,
        maxAge: PENDING_S,
      });
      return new Redirect(url);
    },
  });
}

function end({ sessions, clock }: SignOnDoor, signOn: SingleSignOn): Route {
  return route({
    method: "GET",
    path: "/oidc/callback",
    name: "oidc.callback",
    summary: "Back from the OpenID provider: begins a session",
    role: null,
    isBrowsed: true,
    isAction: true,
    result: () => "signed on",
    handle: async ({ request, reply, tell }) => {
      const cookie = request.unsignCookie(request.cookies[PENDING_COOKIE] ?? "");
      void reply.clearCookie(PENDING_COOKIE, { path: "/api/oidc" });
      const pending = cookie.valid ? pendingOf(cookie.value, clock.now()) : null;
      if (pending === null) throw new Refusal(401, "sign-on-expired", "no log-in was begun in this browser");
      const { name, role } = await signOn.end(new URL(request.url, "http://here").search, pending);
      tell(`${name} as ${role}`);
      sessions.beginSignedOn(reply, { name, role });
      return new Redirect("/");
    },
  });
}

/** It carries our signature, but a session does too, and one in its place would ask for no state. */
function pendingOf(value: string | null, now: number): Pending | null {
  const { data: pending } = Kept.safeParse(parse(value));
  return pending === undefined || Math.abs(now - pending.since) > PENDING_S * 1000 ? null : pending;
}

function parse(value: string | null): unknown {
  try {
    return JSON.parse(Buffer.from(value ?? "", "base64url").toString("utf8"));
  } catch {
    return null;
  }
}
