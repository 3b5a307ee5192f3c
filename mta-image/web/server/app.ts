/**
 * The web server put together: security headers, sessions, the routes with their checks, and the built pages. Every
 * route goes through the same gate: somebody we know, with the role it needs, with the page's token where it changes
 * something, with a body of the right shape; what changed is written down whether it went well or not.
 */
import cookie from "@fastify/cookie";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import serveStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { Clock } from "#base/clock.ts";
import { type HttpServerOptions, makeHttpServer } from "#base/http-server.ts";
import type { Log } from "#base/log.ts";
import { roles } from "#web/shared/web-api.ts";

import type { Audit } from "./audit.ts";
import { describeApi } from "./openapi.ts";
import { Redirect, Refusal, type Route, Streamed } from "./route.ts";
import type { Sessions, Visitor } from "./sessions.ts";

export interface AppOptions {
  readonly routes: readonly Route[];
  readonly sessions: Sessions;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
  /** Signs the cookies. */
  readonly key: Buffer;
  /** Folder of the built pages; null serves the API alone. */
  readonly pages: string | null;
  readonly version: string;
  readonly http: Pick<HttpServerOptions, "tls" | "trustProxy">;
}

export async function makeApp(options: AppOptions): Promise<FastifyInstance> {
  const app = makeHttpServer({ maxBodyBytes: 1024 * 1024, ...options.http });
  await app.register(helmet, headers(options.http.tls !== undefined));
  await app.register(cookie, { secret: [options.key] });
  await app.register(rateLimit, { global: false });
  // A form of another site can send plain text without being asked about it; we take JSON only.
  app.removeContentTypeParser("text/plain");
  for (const each of options.routes) addRoute(app, each, options);
  const description = describeApi(options.routes, options.version);
  app.get("/api/openapi.json", async () => description);
  app.get("/healthy", async () => ({ ok: true }));
  if (options.pages !== null) await addPages(app, options.pages);
  return app;
}

function addRoute(app: FastifyInstance, each: Route, options: AppOptions): void {
  app.route({
    method: each.method,
    url: `/api${each.path}`,
    ...limitOf(each),
    handler: (request, reply) => answer(each, { request, reply, options }),
  });
}

/** By address: a name that is tried from everywhere is held back in password-gate.ts. */
function limitOf({ name, isBrowsed }: Route): object {
  if (name !== "login" && !isBrowsed) return {};
  return { config: { rateLimit: { max: isBrowsed ? 60 : 10, timeWindow: "1 minute" } } };
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly options: AppOptions;
}

async function answer(each: Route, exchange: Exchange): Promise<unknown> {
  const { request, reply, options } = exchange;
  const params = request.params as Readonly<Record<string, string>>;
  let visitor: Visitor | null = null;
  let detail = "";
  void reply.header("cache-control", "no-store");
  try {
    visitor = each.role === null ? null : await options.sessions.visitor(request);
    admit(each, { request, visitor, sessions: options.sessions });
    const body = shaped(each, request);
    detail = each.detail(body, params);
    const tell = (more: string): void => {
      detail = more;
    };
    const result = await each.handle({ body, params, visitor, request, reply, tell });
    if (each.isAction)
      await note(each, exchange, { visitor, detail, status: 200, result: each.result(result) });
    if (result instanceof Streamed) return reply.type(result.type).send(result.body);
    return result instanceof Redirect ? reply.redirect(result.url, 303) : result;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { status, code, message } = error;
    if (each.isAction) await note(each, exchange, { visitor, detail, status, result: message });
    if (each.isBrowsed) return reply.redirect(`/#/login?refused=${code}`, 303);
    return reply.code(status).send({ code, message });
  }
}

function admit(
  { role, isAction }: Route,
  who: { readonly request: FastifyRequest; readonly visitor: Visitor | null; readonly sessions: Sessions },
): void {
  if (role === null) return;
  const { request, visitor, sessions } = who;
  if (visitor === null) throw new Refusal(401, "no-session", "the session has ended; log in again");
  if (roles.indexOf(visitor.role) < roles.indexOf(role))
    throw new Refusal(403, "role", `this needs the role ${role}`);
  if (isAction && !sessions.isGenuine(request, visitor))
    throw new Refusal(403, "csrf", "the page's token is missing or wrong; load the page again");
}

function shaped(each: Route, request: FastifyRequest): unknown {
  if (each.body === null) return null;
  const parsed = each.body.safeParse(request.body ?? {});
  if (parsed.success) return parsed.data;
  const message = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  throw new Refusal(400, "bad-request", message);
}

async function note(
  each: Route,
  { request, options }: Exchange,
  what: { visitor: Visitor | null; detail: string; status: number; result: string },
): Promise<void> {
  await options.audit.note({
    at: new Date(options.clock.now()).toISOString(),
    user: what.visitor?.user ?? "",
    role: what.visitor?.role ?? "",
    address: request.ip,
    action: each.name,
    detail: what.detail,
    status: what.status,
    result: what.result,
  });
}

function headers(isSecure: boolean): Parameters<typeof helmet>[1] {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    referrerPolicy: { policy: "no-referrer" },
    // Over plain HTTP a browser ignores it, and a proxy in front says it for itself.
    hsts: isSecure,
  };
}

async function addPages(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(serveStatic, {
    root: folder,
    dotfiles: "deny",
    // Names of assets hold a hash of what is in them.
    setHeaders: (reply, path) => {
      void reply.header(
        "cache-control",
        /\/assets\//.test(path) ? "public, max-age=31536000, immutable" : "no-cache",
      );
    },
  });
}
