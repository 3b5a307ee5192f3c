/** Ids and days in paths of the admin API that lead elsewhere: they are looked up or refused, and never become a path. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";

import { type Engine, startEngine } from "../../testing/harness.ts";

let engine: Engine;
before(async () => {
  engine = await startEngine({ server: "127.0.0.1:1" });
});
after(() => engine.stop());

const routes = [
  "GET /v1/messages/ID",
  "GET /v1/queue/ID/explain",
  "GET /v1/queue/ID/0/explain",
  "GET /v1/tls-reports/ID",
  "GET /v1/messages/ID/traces",
  "DELETE /v1/policies/ID",
  "DELETE /v1/suspensions/ID",
  "DELETE /v1/quotas/ID",
  "DELETE /v1/reactions/ID",
  "DELETE /v1/breakpoints/ID",
];
const ids = [
  "..%2f..%2f..%2fetc%2fpasswd",
  "%2e%2e%2f%2e%2e%2f",
  "..%5c..%5cwindows",
  "a%2fb",
  "x%00y",
  "%ff%fe",
  "%",
  "__proto__",
  "constructor",
  "%0d%0aSet-Cookie:%20a=b",
  "1%27%20OR%20%271%27=%271",
  "a".repeat(10_000),
];

/** As it stands, not as a URL that a library has tidied. */
function ask(method: string, path: string): Promise<{ status: number; headers: object; text: string }> {
  const { adminUrl, token } = engine;
  const { hostname, port } = new URL(adminUrl);
  return new Promise((resolve, reject) => {
    const asked = request({ method, hostname, port, path, headers: { authorization: `Bearer ${token}` } });
    asked.once("error", reject).once("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    asked.end();
  });
}

for (const route of routes) {
  test(`${route} finds nothing by an id that is none`, async () => {
    for (const id of ids) {
      const [method = "", path = ""] = route.replace("ID", id).split(" ");
      const { status, headers, text } = await ask(method, path);
      const isNothing = status === 200 && [`{"traces":[]}`, `{"changed":0}`].includes(text);
      assert.ok(isNothing || [400, 404, 414, 431].includes(status), `${id.slice(0, 50)}: ${status} ${text}`);
      assert.ok(!("set-cookie" in headers));
      assert.doesNotMatch(text, /root:|ENOENT|node:/, id);
    }
    assert.equal((await engine.admin("GET", "/v1/status")).status, 200);
  });
}
