/** TLS sessions that clients take up again: what they showed counts on, and a new certificate ends them. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, after, test } from "node:test";
import { type SecureContext, type SecureVersion, connect } from "node:tls";

import { systemClock } from "#base/clock.ts";

import { makeCertificate } from "../../testing/certificates.ts";
import { loadContexts } from "../net/tls-contexts.ts";
import type { Secured } from "../smtp/secured.ts";
import { upgradeToTls } from "./tls-upgrade.ts";

const folder = mkdtempSync(join(tmpdir(), "tls-upgrade-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const own = makeCertificate(folder, "mx.example.net");
const shown = makeCertificate(folder, "client.example.net");

async function load(): Promise<SecureContext> {
  const context = (await loadContexts([{ id: "own", cert: own.cert, key: own.key }])).get("own");
  assert.ok(context);
  return context;
}

interface Met {
  readonly secured: Secured;
  readonly isReused: boolean;
  /** To come again with. */
  readonly session: Buffer;
}

/** A server that asks for certificates, under whatever context it has at the moment, and a client that shows one. */
async function meeting(
  t: TestContext,
  maxVersion: SecureVersion,
): Promise<{ use(context: SecureContext): void; meet(session?: Buffer): Promise<Met> }> {
  let context = await load();
  let heard = Promise.withResolvers<Secured>();
  const server = createServer((plain) => {
    const secure = upgradeToTls({
      plain,
      context,
      asksForCertificate: true,
      clock: systemClock,
      onSecure: heard.resolve,
      onFailure: () => heard.reject(new Error("no handshake")),
    });
    secure.on("error", () => {});
    secure.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return {
    use(next) {
      context = next;
    },
    async meet(known) {
      heard = Promise.withResolvers();
      const { port } = server.address() as AddressInfo;
      const client = connect({
        port,
        host: "127.0.0.1",
        rejectUnauthorized: false,
        maxVersion,
        ...shown.pem,
        ...(known === undefined ? {} : { session: known }),
      });
      const heardBy = (event: "session" | "secureConnect"): Promise<Buffer> =>
        new Promise((resolve, reject) => {
          client.once(event, resolve);
          client.once("error", reject);
        });
      // Who takes one up again gets no other before TLS 1.3.
      const session = known === undefined ? heardBy("session") : Promise.resolve(known);
      await heardBy("secureConnect");
      const met = {
        secured: await heard.promise,
        session: await session,
        isReused: client.isSessionReused(),
      };
      client.destroy();
      return met;
    },
  };
}

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  test(`who takes up a session again is still known by its certificate, and for what is wrong with it, in ${version}`, async (t) => {
    const { meet } = await meeting(t, version);
    const first = await meet();
    const second = await meet(first.session);
    assert.deepEqual([first.isReused, second.isReused], [false, true]);
    for (const { secured } of [first, second]) {
      assert.equal(secured.certificate?.leaf.subject, "CN=client.example.net");
      assert.equal(secured.certificate.unverified, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    }
  });

  test(`no session outlives the certificate that it was made under, in ${version}`, async (t) => {
    const { meet, use } = await meeting(t, version);
    const { session } = await meet();
    use(await load());
    const { isReused, secured } = await meet(session);
    assert.equal(isReused, false);
    assert.equal(secured.certificate?.leaf.subject, "CN=client.example.net");
  });
}
