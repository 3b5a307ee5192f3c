import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Agent, request } from "undici";

import { makeCertificate } from "../../testing/certificates.ts";
import { PASSWORD, startRig } from "../testing/rig.ts";

const folder = mkdtempSync(join(tmpdir(), "web-tls-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("over TLS cookies are for TLS alone, and browsers are told to stay with it", async () => {
  const { cert, key, ca } = makeCertificate(folder, "web.example.test");
  const rig = await startRig({
    engines: { hosts: [{ name: "one", url: "http://127.0.0.1:1" }] },
    further: { listener: { port: 0, tls: { cert, key } } },
  });
  const connect = { ca: readFileSync(ca, "utf8"), servername: "web.example.test" };
  const dispatcher = new Agent({ connect });
  const { statusCode, headers, body } = await request(`${rig.url.replace("http:", "https:")}/api/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user: "admin", password: PASSWORD }),
    dispatcher,
  });
  await body.dump();
  assert.equal(statusCode, 200);
  assert.match(String(headers["set-cookie"]), /HttpOnly; Secure; SameSite=Strict/);
  assert.match(String(headers["strict-transport-security"]), /max-age=/);
  await dispatcher.close();
  await rig.stop();
});
