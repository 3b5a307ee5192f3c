/** Keys that servers of a type have no use for are refused by their place, and all others are taken. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { parseEngineConfig } from "./config.ts";

/** What is wrong with one server, as "file: place". */
function wrong(startup: object, app: object = {}): string[] {
  const parsed = parseEngineConfig({
    startup: JSON.stringify({
      servers: [{ id: "one", ...startup }],
      pki: { private: [{ id: "cert", cert: "/c", key: "/k" }] },
    }),
    app: JSON.stringify({
      servers: [{ id: "one", transport: "out", ...app }],
      transportgroups: [{ id: "g", transports: [{ id: "out" }] }],
    }),
  });
  return parsed.ok ? [] : parsed.problems.map(({ file, path }) => `${file}: ${path}`);
}

const listeners = [{ port: 0 }];
const ofSmtp: Readonly<Record<string, object>> = {
  xclientnetworks: { xclientnetworks: ["192.0.2.1"] },
  "phases.connect.hook": { phases: { connect: { hook: "h" } } },
  "phases.connect.greetdelay": { phases: { connect: { greetdelay: "1s" } } },
  "phases.rcptto.hook": { phases: { rcptto: { hook: [{ id: "h" }] } } },
  "phases.disconnect.hook": { phases: { disconnect: { hook: "h" } } },
  "tls.clientcerts": { tls: { clientcerts: true } },
  auth: { auth: { file: "/f" } },
};
const forMail = { phases: { eod: { hook: "h" }, data: { maxsize: "1MiB", maxhops: 9 } } };
const secure = { tls: { certs: [{ cert: "cert" }] } };

function withCertificate(app: { readonly tls?: object }): object {
  return { ...app, tls: { ...app.tls, ...secure.tls } };
}

for (const [key, app] of Object.entries(ofSmtp))
  test(`${key} is for servers of type smtp`, () => {
    assert.deepEqual(wrong({ listeners }, withCertificate(app)), []);
    assert.deepEqual(wrong({ type: "http", listeners }, app), [`smtpd-app.yaml: servers[0].${key}`]);
    assert.deepEqual(wrong({ type: "plugin" }, app), [`smtpd-app.yaml: servers[0].${key}`]);
  });

test("each type takes what is for it", () => {
  const http = { http: { apikeyfile: "/f" } };
  assert.deepEqual(wrong({ listeners, proxyprotocol: true }, { ...forMail, ...secure }), []);
  assert.deepEqual(wrong({ type: "http", listeners }, { ...forMail, ...secure, ...http }), []);
  assert.deepEqual(wrong({ type: "plugin" }, forMail), []);
  assert.deepEqual(wrong({ listeners }, http), ["smtpd-app.yaml: servers[0].http"]);
  assert.deepEqual(wrong({ type: "plugin" }, { ...secure, ...http }), [
    "smtpd-app.yaml: servers[0].tls.certs",
    "smtpd-app.yaml: servers[0].http",
  ]);
});

test("what is done within TLS alone needs a certificate", () => {
  for (const tls of ["implicit", "clientcerts"])
    assert.deepEqual(wrong({ listeners }, { tls: { [tls]: true } }), [
      `smtpd-app.yaml: servers[0].tls.${tls}`,
    ]);
  assert.deepEqual(wrong({ listeners }, { auth: { file: "/f" } }), ["smtpd-app.yaml: servers[0].auth"]);
  const named = { auth: { file: "/f", required: true }, xclientnetworks: ["192.0.2.0/24"] };
  assert.deepEqual(wrong({ listeners }, named), []);
});

test("listeners are where the type can listen, and speak what it reads", () => {
  const unix = [{ address: "/run/mta.sock" }];
  assert.deepEqual(wrong({ listeners: unix }), []);
  assert.deepEqual(wrong({ type: "http", listeners: unix }), ["smtpd.yaml: servers[0].listeners[0].address"]);
  assert.deepEqual(wrong({ type: "http", listeners, proxyprotocol: true }), [
    "smtpd.yaml: servers[0].proxyprotocol",
  ]);
  assert.deepEqual(wrong({ type: "plugin", listeners }), ["smtpd.yaml: servers[0].listeners"]);
  assert.deepEqual(wrong({}), ["smtpd.yaml: servers[0].listeners"]);
});
