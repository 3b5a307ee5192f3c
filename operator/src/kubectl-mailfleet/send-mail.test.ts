import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Server } from "node:net";
import { test } from "node:test";

import { systemClock } from "#base/clock.ts";

import { sendMail, textOf } from "./send-mail.ts";

const mail = { from: "a@b.net", to: "c@d.net", subject: "Hi", id: "1", date: new Date(0) };

/** Answers the lines of a dialogue in order, and keeps what it was told. */
async function server(
  replies: readonly string[],
): Promise<{ port: number; heard: () => string; close: () => void }> {
  let heard = "";
  const left = [...replies];
  const listening = await new Promise<Server>((resolve) => {
    const made = createServer((socket) => {
      const answer = (): void => {
        const next = left.shift();
        if (next === undefined) socket.destroy();
        else socket.write(next);
      };
      answer();
      let inData = false;
      socket.on("data", (chunk) => {
        heard += chunk.toString("latin1");
        if (inData && !heard.endsWith("\r\n.\r\n")) return;
        inData = heard.endsWith("DATA\r\n");
        answer();
      });
      socket.on("error", () => undefined);
    }).listen(0, "127.0.0.1", () => resolve(made));
  });
  return {
    port: (listening.address() as AddressInfo).port,
    heard: () => heard,
    close: () => listening.close(),
  };
}

test("a test mail says what SMTP wants, and its reply comes back", async () => {
  const peer = await server([
    "220 hi\r\n",
    "250-one\r\n250 two\r\n",
    "250 ok\r\n",
    "250 ok\r\n",
    "354 go\r\n",
    "250 2.0.0 queued as X\r\n",
    "221 bye\r\n",
  ]);
  assert.equal(await sendMail(peer.port, mail, systemClock), "250 2.0.0 queued as X");
  assert.match(peer.heard(), /MAIL FROM:<a@b\.net>\r\nRCPT TO:<c@d\.net>\r\nDATA\r\nFrom: <a@b\.net>/);
  peer.close();
});

test("a listener that expects a PROXY header gets one that names nobody, before anything is said", async () => {
  const peer = await server(["", "220 hi\r\n", "250 two\r\n", "550 5.7.1 no relay\r\n"]);
  await assert.rejects(sendMail(peer.port, { ...mail, isProxied: true }, systemClock), /no relay/);
  assert.match(peer.heard(), /^PROXY UNKNOWN\r\nEHLO /);
  peer.close();
});

test("a refusal is told in the engine's words", async () => {
  const peer = await server(["220 hi\r\n", "250 two\r\n", "250 ok\r\n", "550 5.7.1 no relay\r\n"]);
  await assert.rejects(sendMail(peer.port, mail, systemClock), /the engine answered: 550 5\.7\.1 no relay/);
  peer.close();
});

test("an engine that hangs up is no success", async () => {
  const peer = await server(["220 hi\r\n"]);
  await assert.rejects(sendMail(peer.port, mail, systemClock), /closed/);
  peer.close();
});

test("the mail has what a mail needs", () => {
  assert.match(
    textOf(mail),
    /^From: <a@b\.net>\r\nTo: .*Date: Thu, 01 Jan 1970 00:00:00 \+0000\r\nMessage-ID: <1@/s,
  );
});
