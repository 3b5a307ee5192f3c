/** The web server with a real OpenID provider beside it, each on a port of its own, both ready. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort } from "../../../e2e/peers/free-port.ts";
import { type OpenIdRig, SECRET, startOpenId } from "./open-id.ts";
import { type WebRig, startRig } from "./rig.ts";

export interface SignOnRig {
  readonly rig: WebRig;
  readonly provider: OpenIdRig;
}

/** `host`: the provider's; under another name than the server's it is another site to a browser. */
export async function startBoth(
  oidc: object = {},
  {
    isSlim = false,
    host = "127.0.0.1",
    pages,
  }: { readonly isSlim?: boolean; readonly host?: string; readonly pages?: string } = {},
): Promise<SignOnRig> {
  const folder = mkdtempSync(join(tmpdir(), "oidc-"));
  writeFileSync(join(folder, "secret"), `${SECRET}\n`);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const provider = await startOpenId(url, { isSlim, host });
  const rig = await startRig({
    engines: { hosts: [{ name: "one", url: "http://127.0.0.1:1" }] },
    ...(pages === undefined ? {} : { pages }),
    further: {
      listener: { port },
      oidc: {
        issuer: provider.issuer,
        clientid: "mailfleet",
        clientsecretfile: join(folder, "secret"),
        url,
        roles: { postmasters: "operator", staff: "viewer" },
        ...oidc,
      },
    },
  });
  const stop = async (): Promise<void> => {
    await provider.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { rig, provider: { ...provider, stop } };
}
