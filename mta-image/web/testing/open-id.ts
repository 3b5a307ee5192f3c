/**
 * A real OpenID provider on a free port, with ada (of the group postmasters), bob (of none) and eve (whose name is no name),
 * and a browser of cookies that walks through its forms. What the provider is asked for is what it gives: nothing is faked.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Provider } from "oidc-provider";

export const SECRET = "a-secret-of-the-client-for-tests";

const people: Readonly<Record<string, object>> = {
  ada: { preferred_username: "ada", groups: ["staff", "postmasters"], realm: { roles: ["chiefs"] } },
  bob: { preferred_username: "bob", groups: [] },
  eve: { preferred_username: "<script>alert(1)</script> \u0007", groups: ["postmasters"] },
};

export interface OpenIdRig {
  readonly issuer: string;
  stop(): Promise<void>;
}

/** `web`: where the web server will be. `isSlim`: tokens hold no more than the specification asks for. */
export async function startOpenId(
  web: string,
  { isSlim, host }: { readonly isSlim: boolean; readonly host: string },
): Promise<OpenIdRig> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://${host}:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "mailfleet",
        client_secret: SECRET,
        redirect_uris: [`${web}/api/oidc/callback`],
        post_logout_redirect_uris: [`${web}/`],
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username", "groups", "realm"] },
    conformIdTokenClaims: isSlim,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    cookies: { keys: ["a-key-for-tests"] },
    findAccount: async (_context, sub) => ({
      accountId: sub,
      claims: async () => ({ sub, ...people[sub] }),
    }),
  });
  server.on("request", provider.callback());
  return {
    issuer,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Follows redirections with the cookies of each place, as a browser does, and no further than it is told. */
export class Wanderer {
  readonly #jars = new Map<string, Map<string, string>>();

  cookies(origin: string): string {
    return [...(this.#jars.get(origin) ?? [])].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async go(url: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    const { origin } = new URL(url);
    const response = await fetch(url, {
      method: form === undefined ? "GET" : "POST",
      redirect: "manual",
      headers: { cookie: this.cookies(origin) },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    });
    const jar = this.#jars.get(origin) ?? new Map<string, string>();
    this.#jars.set(origin, jar);
    for (const line of response.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /** From the web server's door to the address that the provider sends back to, which is not followed. */
  async signOn(web: string, person: string): Promise<string> {
    let url = next(await this.go(`${web}/api/oidc/login`), web);
    for (let step = 0; step < 20; step++) {
      if (url.startsWith(`${web}/`)) return url;
      const response = await this.go(url);
      if (response.status >= 300 && response.status < 400) {
        url = next(response, url);
        continue;
      }
      const page = await response.text();
      const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? "";
      const action = /action="([^"]+)"/.exec(page)?.[1] ?? "";
      url = next(await this.go(new URL(action, url).href, { prompt, login: person, password: "any" }), url);
    }
    throw new Error(`the provider leads nowhere: ${url}`);
  }
}

function next(response: Response, from: string): string {
  const location = response.headers.get("location");
  if (location === null) throw new Error(`${from} answered ${response.status} and leads nowhere`);
  return new URL(location, from).href;
}
