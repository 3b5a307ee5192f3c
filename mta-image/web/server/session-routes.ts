/** Coming in and going out, who one is, and the audit log. */
import { AuditList, Login, LoggedOut, SessionView } from "#web/shared/web-api.ts";

import type { Audit } from "./audit.ts";
import type { PasswordGate } from "./password-gate.ts";
import { Refusal, type Route, route } from "./route.ts";
import { type Sessions, type Visitor, isFromHere } from "./sessions.ts";
import type { SingleSignOn } from "./single-sign-on.ts";

export interface Door {
  readonly sessions: Sessions;
  readonly gate: PasswordGate;
  readonly audit: Audit;
  readonly signOn: SingleSignOn | null;
  readonly title: string;
}

export function sessionRoutes(door: Door): readonly Route[] {
  return [login(door), logout(door), session(door), audit(door)];
}

function login({ sessions, gate, title }: Door): Route {
  return route({
    method: "POST",
    path: "/login",
    name: "login",
    summary: "Begin a session: its cookie comes with the answer",
    role: null,
    body: Login,
    answer: SessionView,
    detail: ({ user }) => user,
    result: ({ role }) => role,
    handle: async ({ body, request, reply }) => {
      if (!isFromHere(request)) throw new Refusal(403, "csrf", "this request came from another site");
      const user = await gate.check(body.user, body.password);
      if (user === "busy") throw new Refusal(429, "too-many", "too many attempts; wait a minute");
      if (user === null) throw new Refusal(401, "wrong-password", "name or password are wrong");
      return viewOf(sessions.begin(reply, user), title);
    },
  });
}

function logout({ sessions, signOn }: Door): Route {
  return route({
    method: "POST",
    path: "/logout",
    name: "logout",
    summary: "Forget the session's cookie",
    role: "viewer",
    answer: LoggedOut,
    handle: async ({ reply, visitor }) => {
      sessions.end(reply);
      return { next: visitor?.isSignedOn === true ? ((await signOn?.leaveUrl()) ?? null) : null };
    },
  });
}

function session({ title }: Door): Route {
  return route({
    method: "GET",
    path: "/session",
    name: "session",
    summary: "Who one is, what one may do, and the token that changes need",
    role: "viewer",
    answer: SessionView,
    handle: async ({ visitor }) => viewOf(visitor as Visitor, title),
  });
}

function audit({ audit: log }: Door): Route {
  return route({
    method: "GET",
    path: "/audit",
    name: "audit",
    summary: "The latest actions that went through this server",
    role: "admin",
    answer: AuditList,
    handle: async () => ({ entries: [...log.latest()] }),
  });
}

function viewOf({ user, role, csrf, canLogOut }: Visitor, title: string): SessionView {
  return { user, role, csrf, canLogOut, title };
}
