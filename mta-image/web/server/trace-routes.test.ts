import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { createTransport } from "nodemailer";

import type { ClusterTraceItem } from "#web/shared/web-api.ts";

import { type Engine, startEngine } from "../../testing/harness.ts";
import { until } from "../../testing/until.ts";
import { type WebRig, type WebVisitor, startRig } from "../testing/rig.ts";

const SECRET = "very secret";
let engines: Engine[];
let rig: WebRig;
/** Answers every trace with something that is none. */
const liar = createServer((_request, response) => void response.end('{"kind":"wrong"}\n'));
before(async () => {
  engines = [await startEngine({ server: "127.0.0.1:1" }), await startEngine({ server: "127.0.0.1:1" })];
  await new Promise<void>((resolve) => liar.listen(0, "127.0.0.1", resolve));
  rig = await startRig({
    engines: {
      hosts: [
        ...engines.map(({ adminUrl }, i) => ({ name: `mta-${i}`, url: adminUrl })),
        { name: "gone", url: "http://127.0.0.1:1" },
        { name: "liar", url: `http://127.0.0.1:${(liar.address() as AddressInfo).port}` },
      ],
    },
    token: engines[0]?.token ?? "",
  });
});
after(async () => {
  await rig.stop();
  await Promise.all(engines.map((engine) => engine.stop()));
  liar.close();
});

interface Running {
  readonly items: ClusterTraceItem[];
  readonly end: Promise<void>;
  hangUp(): void;
}

async function begin(visitor: WebVisitor, query: object): Promise<Running> {
  const hangUp = new AbortController();
  const response = await fetch(`${rig.url}/api/trace`, {
    method: "POST",
    headers: { cookie: visitor.cookie, "x-csrf-token": visitor.csrf, "content-type": "application/json" },
    body: JSON.stringify(query),
    signal: hangUp.signal,
  });
  assert.equal(response.status, 200);
  const items: ClusterTraceItem[] = [];
  const read = async (): Promise<void> => {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      items.push(...lines.map((line) => JSON.parse(line) as ClusterTraceItem));
    }
  };
  return { items, end: read().catch(() => {}), hangUp: () => hangUp.abort() };
}

async function send(engine: Engine | undefined, from: string): Promise<void> {
  const client = createTransport({ host: "127.0.0.1", port: engine?.smtpPort ?? 0, ignoreTLS: true });
  await client.sendMail({ from, to: "a@b.test", subject: SECRET, text: SECRET });
  client.close();
}

test("sessions of all engines come in one stream; engines that cannot tell are named in it", async () => {
  const { items, end, hangUp } = await begin(await rig.as("operator"), { direction: "in" });
  await until(
    async () =>
      items
        .filter(({ failure }) => failure !== undefined)
        .map(({ engine }) => engine)
        .sort()
        .join(),
    (named) => named === "gone,liar",
  );
  await until(
    async () => {
      await send(engines[0], "one@x.test");
      await send(engines[1], "two@x.test");
      return items.map(
        ({ engine, item }) => `${engine} ${item !== undefined && "text" in item ? item.text : ""}`,
      );
    },
    (said) =>
      said.some((line) => /^mta-0 MAIL FROM:<one@x\.test>/.test(line)) &&
      said.some((line) => /^mta-1 MAIL FROM:<two@x\.test>/.test(line)),
  );
  assert.doesNotMatch(JSON.stringify(items), new RegExp(SECRET));
  hangUp();
  await end;
});

test("a trace ends at its bound, on the engines that were asked alone", async () => {
  const running = await begin(await rig.as("operator"), { engines: ["mta-1"], sessions: 1, direction: "in" });
  let isOver = false;
  void running.end.then(() => {
    isOver = true;
  });
  await until(
    async () => {
      await send(engines[1], "bound@x.test");
      return isOver;
    },
    (over) => over,
  );
  assert.deepEqual([...new Set(running.items.map(({ engine }) => engine))], ["mta-1"]);
  const last = running.items.at(-1)?.item;
  assert.equal(last?.kind === "end" && last.reason, "sessions");
});

test("only operators may look, with the page's token; a broken filter is named; each look is written down", async () => {
  const [viewer, operator, admin] = [await rig.as("viewer"), await rig.as("operator"), await rig.as("admin")];
  assert.equal((await viewer.call("POST", "/api/trace", {})).status, 403);
  assert.equal((await operator.call("POST", "/api/trace", {}, { "x-csrf-token": "" })).status, 403);
  const broken = await operator.call<{ message: string }>("POST", "/api/trace", { remoteIp: "nowhere" });
  assert.deepEqual([broken.status, /remoteIp/.test(broken.json.message)], [400, true]);
  const { json } = await admin.call<{ entries: { action: string; detail: string }[] }>("GET", "/api/audit");
  assert.ok(json.entries.some(({ action, detail }) => action === "trace" && detail.includes("mta-1")));
});

test("more than a few traces at once are refused, and a place that is left is free again", async () => {
  const operator = await rig.as("operator");
  const all = await Promise.all(Array.from({ length: 8 }, () => begin(operator, { engines: ["mta-0"] })));
  assert.equal((await operator.call("POST", "/api/trace", {})).status, 429);
  for (const each of all) each.hangUp();
  const again = await until(
    async () => begin(operator, { engines: ["mta-0"] }).catch(() => null),
    (running) => running !== null,
  );
  again?.hangUp();
});
