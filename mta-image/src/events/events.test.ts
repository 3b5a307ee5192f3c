import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { silentLog } from "#base/log.ts";
import { EventsConfig } from "#contract/events-config.ts";

import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { until as eventually } from "../../testing/until.ts";
import type { Entry } from "../queue/entry.ts";
import { Events } from "./events.ts";
import type { MailEvent } from "./mail-event.ts";

const until = (isSo: () => boolean | Promise<boolean>): Promise<unknown> =>
  eventually(
    async () => isSo(),
    (so) => so,
  );

interface Post {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

const message = makeMessage({ recipients: ["ann@example.net", "bob@example.org"] });
const destination = { transportId: message.envelope.transportId, jobId: "", tenantId: "" };
const entry = { message, recipient: 1, attempts: 2, destination } as unknown as Entry;

describe("the event outbox", () => {
  let folder: string;
  let receiver: Server;
  let url: string;
  const posts: Post[] = [];
  let status = 200;

  before(async () => {
    receiver = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      posts.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
      response.writeHead(status).end("thanks");
    }).listen(0, "127.0.0.1");
    await once(receiver, "listening");
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  });
  after(() => receiver.close());
  beforeEach(async (context) => {
    folder = await mkdtemp(join(tmpdir(), "events-"));
    posts.length = 0;
    status = 200;
    if ("after" in context) context.after(() => rm(folder, { recursive: true, force: true }));
  });

  async function open(config: unknown): Promise<{ events: Events; clock: ManualClock }> {
    const clock = new ManualClock();
    const events = new Events({ folder: join(folder, "events"), clock, log: silentLog });
    await (await events.prepare(EventsConfig.parse(config)))();
    return { events, clock };
  }

  const eventsOf = (post: Post | undefined): MailEvent[] => JSON.parse(post?.body ?? "[]") as MailEvent[];
  const typesPosted = (): string[] => posts.flatMap(eventsOf).map(({ type }) => type);
  const kept = (): Promise<string[]> => readdir(join(folder, "events/books"));

  /** With one event that its receiver has refused once. */
  async function openRefused(): Promise<{ events: Events; clock: ManualClock }> {
    status = 500;
    const opened = await open({ webhooks: [{ id: "books", url }] });
    opened.events.note(entry, outcome("deferred"), "policy");
    opened.clock.advance(1000);
    await until(() => opened.events.figures()[0]?.failures === 1);
    return opened;
  }

  function receiveAgain(): void {
    status = 200;
    posts.length = 0;
  }

  test("posts what happened in one batch, signed with the key, and forgets it after 2xx", async () => {
    const secretfile = join(folder, "secret");
    await writeFile(secretfile, `whsec_${Buffer.from("key of the test").toString("base64")}\n`);
    const { events, clock } = await open({ webhooks: [{ id: "books", url, secretfile }] });
    events.received(message);
    events.note(entry, outcome("failed"), "policy");
    clock.advance(1000);
    await until(() => posts.length === 1);
    const [post] = posts;
    assert.deepEqual(
      eventsOf(post).map(({ type, recipient, attempts, status: code, class: why }) => [
        type,
        recipient,
        attempts,
        code,
        why,
      ]),
      [
        ["received", "ann@example.net", 0, undefined, undefined],
        ["received", "bob@example.org", 0, undefined, undefined],
        ["bounced", "bob@example.org", 3, "5.1.1", "policy"],
      ],
    );
    const {
      "webhook-id": id,
      "webhook-timestamp": time,
      "webhook-signature": signature,
    } = post?.headers ?? {};
    const wanted = createHmac("sha256", "key of the test")
      .update(`${id}.${time}.${post?.body}`)
      .digest("base64");
    assert.equal(signature, `v1,${wanted}`);
    await until(() => events.figures()[0]?.sent === 1);
    assert.deepEqual(await kept(), []);
    await events.close();
  });

  test("keeps what a receiver refuses and posts it again, later each time, under the same id", async () => {
    status = 503;
    const { events, clock } = await open({ webhooks: [{ id: "books", url }] });
    events.note(entry, outcome("delivered"), "");
    clock.advance(1000);
    await until(() => events.figures()[0]?.failures === 1);
    clock.advance(999);
    clock.advance(1);
    await until(() => events.figures()[0]?.failures === 2);
    clock.advance(1000);
    assert.equal(posts.length, 2);
    status = 204;
    clock.advance(1000);
    await until(() => events.figures()[0]?.sent === 1);
    assert.equal(new Set(posts.map(({ headers }) => headers["webhook-id"])).size, 1);
    await events.close();
  });

  test("what was not sent before the end is sent after the next start", async () => {
    const { events } = await openRefused();
    events.note(entry, outcome("delivered"), "");
    await events.close();
    receiveAgain();
    const again = await open({ webhooks: [{ id: "books", url }] });
    await until(() => again.events.figures()[0]?.sent === 2);
    assert.deepEqual(typesPosted(), ["deferred", "delivered"]);
    await again.events.close();
  });

  test("what waits over a restart is sent in the order in which it happened, also when the clock was set back", async () => {
    const { events, clock } = await openRefused();
    clock.setWall(-86_400_000);
    events.note(entry, outcome("delivered"), "");
    await events.close();
    receiveAgain();
    const again = await open({ webhooks: [{ id: "books", url }] });
    await until(() => again.events.figures()[0]?.sent === 2);
    assert.deepEqual(typesPosted(), ["deferred", "delivered"]);
    await again.events.close();
  });

  test("gives up the oldest events when too many wait, and counts them", async () => {
    status = 500;
    const { events, clock } = await open({ webhooks: [{ id: "books", url, maxpending: 1000 }] });
    for (let i = 0; i < 10; i++) {
      events.note(entry, outcome("delivered"), "");
      clock.advance(1000);
      // Each its own batch: the next event waits until this one lies on disk or was given up.
      await until(async () => {
        const names = await kept();
        const written = names.filter((name) => name.endsWith(".json")).length;
        return written === names.length && written + (events.figures()[0]?.dropped ?? 0) === i + 1;
      });
    }
    assert.ok((events.figures()[0]?.dropped ?? 0) >= 6, "dropped batches are counted");
    await events.close();
    const left = await kept();
    assert.ok(left.length >= 1 && left.length <= 4, left.join(" "));
  });

  test("a new configuration takes over without losing what happens meanwhile", async () => {
    const { events, clock } = await open({ webhooks: [{ id: "books", url }] });
    events.note(entry, outcome("deferred"), "policy");
    const use = await events.prepare(
      EventsConfig.parse({ webhooks: [{ id: "books", url, types: ["delivered"] }] }),
    );
    const used = use();
    events.note(entry, outcome("delivered"), "");
    await used;
    clock.advance(1000);
    await until(() => posts.length === 2);
    assert.deepEqual(typesPosted(), ["deferred", "delivered"]);
    await events.close();
  });

  test("configurations that follow one another at once are put in force in their order, and lose nothing", async () => {
    const { events } = await open({ files: [{ path: join(folder, "a.log") }] });
    const inForce: Promise<void>[] = [];
    for (const name of ["b.log", "c.log", "d.log"]) {
      const use = await events.prepare(EventsConfig.parse({ files: [{ path: join(folder, name) }] }));
      inForce.push(use());
      events.note(entry, outcome("delivered"), "");
    }
    await Promise.all(inForce);
    events.note(entry, outcome("failed"), "");
    await events.close();
    const linesOf = async (name: string): Promise<string[]> => {
      const text = await readFile(join(folder, name), "utf8").catch(() => "");
      return text.split("\n").flatMap((line) => (line === "" ? [] : [(JSON.parse(line) as MailEvent).type]));
    };
    const all = (await Promise.all(["a.log", "b.log", "c.log", "d.log"].map(linesOf))).flat();
    assert.deepEqual(all.sort(), ["bounced", "delivered", "delivered", "delivered"]);
    assert.ok((await linesOf("d.log")).includes("bounced"));
  });

  test("a key that was renewed in its file signs from the next configuration on, though nothing else has changed", async () => {
    const secretfile = join(folder, "secret");
    const config = { webhooks: [{ id: "books", url, secretfile }] };
    const keys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const written = keys.map((key) => `whsec_${key.toString("base64")}\n`);
    await writeFile(secretfile, written[0] ?? "");
    const { events, clock } = await open(config);
    await writeFile(secretfile, written[1] ?? "");
    await (await events.prepare(EventsConfig.parse(config)))();
    events.note(entry, outcome("delivered"), "");
    clock.advance(1000);
    await until(() => posts.length === 1);
    const { headers, body = "" } = posts[0] ?? {};
    const signed = `${headers?.["webhook-id"]}.${headers?.["webhook-timestamp"]}.${body}`;
    const expected = createHmac("sha256", keys[1] ?? "")
      .update(signed)
      .digest("base64");
    assert.equal(headers?.["webhook-signature"], `v1,${expected}`);
    await events.close();
  });

  test("a webhook whose folder cannot be had is left out with a line, and the next configuration has it", async () => {
    await mkdir(join(folder, "events"), { recursive: true });
    await writeFile(join(folder, "events/books"), "in its way");
    const config = {
      webhooks: [
        { id: "books", url },
        { id: "others", url },
      ],
    };
    const { events } = await open(config);
    assert.deepEqual(
      events.figures().map(({ webhook }) => webhook),
      ["others"],
    );
    await rm(join(folder, "events/books"));
    await (await events.prepare(EventsConfig.parse(config)))();
    assert.deepEqual(
      events.figures().map(({ webhook }) => webhook),
      ["books", "others"],
    );
    await events.close();
  });

  test("writes lines into a file that is put aside when it has grown", async () => {
    const path = join(folder, "mail.log");
    const { events } = await open({ files: [{ path, maxsize: "1KiB", keep: 2 }] });
    for (let i = 0; i < 20; i++) events.note(entry, outcome("delivered"), "");
    await events.close();
    const names = (await readdir(folder)).filter((name) => name.startsWith("mail.log")).sort();
    assert.deepEqual(names, ["mail.log", "mail.log.1", "mail.log.2"]);
    const lines = (await readFile(join(folder, "mail.log.1"), "utf8")).trim().split("\n");
    assert.equal((JSON.parse(lines[0] ?? "") as MailEvent).type, "delivered");
  });

  test("a file that cannot be written is written again when it can be", async () => {
    const path = join(folder, "mail.log");
    await mkdir(path);
    const { events, clock } = await open({ files: [{ path }] });
    events.note(entry, outcome("deferred"), "policy");
    // Nothing tells when the stream has failed, so it is asked until an event of afterwards is there.
    await rm(path, { recursive: true });
    await until(async () => {
      clock.advance(60_000);
      events.note(entry, outcome("delivered"), "");
      return (await readFile(path, "utf8").catch(() => "")).includes("delivered");
    });
    await events.close();
  });

  test("a batch that the disk has lost keeps none behind it waiting", async () => {
    const { events, clock } = await openRefused();
    events.note(entry, outcome("delivered"), "");
    clock.advance(1000);
    // The first one was refused once more; no answer to it is on its way when the receiver is well again.
    await until(async () => (await kept()).length === 2 && events.figures()[0]?.failures === 2);
    const [first = ""] = (await kept()).sort();
    await rm(join(folder, "events/books", first));
    await mkdir(join(folder, "events/books", first));
    receiveAgain();
    await until(() => {
      clock.advance(60_000);
      return events.figures()[0]?.sent === 1;
    });
    assert.deepEqual(typesPosted(), ["delivered"]);
    assert.equal(events.figures()[0]?.dropped, 1);
    assert.deepEqual(await kept(), []);
    await events.close();
  });

  test("a key that cannot be read refuses the configuration and names the file", async () => {
    await assert.rejects(open({ webhooks: [{ id: "books", url, secretfile: "/nowhere/key" }] }), {
      code: "event-secret-unusable",
      message: /webhook books: cannot read \/nowhere\/key/,
    });
  });
});
