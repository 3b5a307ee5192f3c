/**
 * One SMTP conversation at a time for scripts: mail sent to a named server, and questions whether it would take mail or a
 * password. Not the way that queued mail goes (delivery/): nothing is retried or kept. Never rejects.
 */
import { describe } from "#base/error.ts";
import type { Clock } from "#base/clock.ts";

import { BodyStuffer } from "../delivery/body.ts";
import type { Pieces } from "../script/mail/pieces.ts";
import type { EnvelopeAddress, Reply, SmtpPort, SmtpServer } from "../script/ports.ts";
import type { ServerReply } from "../smtp/reply-parser.ts";
import { SmtpTalk } from "./smtp-talk.ts";

type Outcome = Reply | { readonly error: string; readonly temporary: boolean };
type Wish = Parameters<SmtpPort["send"]>[0];

export function makeSmtpPort(options: { readonly clock: Clock; readonly hostname: () => string }): SmtpPort {
  const talk = (server: SmtpServer, signal: AbortSignal, go: (talk: SmtpTalk) => Promise<Outcome>) =>
    converse(server, signal, options, go);
  return {
    send: (wish, signal) => talk(wish.server, signal, (one) => transaction(one, wish)),
    authenticate: (server, signal) => talk(server, signal, (one) => signOn(one, server)),
  };
}

async function converse(
  server: SmtpServer,
  signal: AbortSignal,
  { clock, hostname }: { readonly clock: Clock; readonly hostname: () => string },
  go: (talk: SmtpTalk) => Promise<Outcome>,
): Promise<Outcome> {
  const talk = new SmtpTalk(server, { clock, signal });
  try {
    await talk.connect();
    const greeting = await talk.reply();
    if (greeting.code >= 400) return replyOf(greeting);
    await talk.hello(server.helo ?? hostname());
    const refused = await talk.secure(server.helo ?? hostname());
    if (refused !== null) return { error: refused, temporary: true };
    const outcome = await go(talk);
    await talk.quit();
    return outcome;
  } catch (error) {
    return { error: describe(error), temporary: true };
  } finally {
    talk.close();
  }
}

async function transaction(talk: SmtpTalk, { sender, recipients, server, message }: Wish): Promise<Outcome> {
  if (server.username !== null) {
    const signed = await talk.signOn(server.username, server.password ?? "");
    if (signed.code >= 400) return replyOf(signed);
  }
  const from = await talk.command(`MAIL FROM:${path(sender)}`);
  if (from.code >= 400) return replyOf(from);
  let last = from;
  for (const recipient of recipients) {
    last = await talk.command(`RCPT TO:${path(recipient)}`);
    // A message goes to all of its recipients or to none, since the script gets one answer.
    if (last.code >= 400) return replyOf(last);
  }
  if (message === null) return replyOf(last);
  const ready = await talk.command("DATA");
  if (ready.code !== 354) return replyOf(ready);
  return replyOf(await content(talk, message));
}

async function content(talk: SmtpTalk, message: Pieces): Promise<ServerReply> {
  const stuffer = new BodyStuffer();
  for await (const chunk of message.chunks()) await talk.write(stuffer.push(chunk));
  await talk.write(stuffer.end());
  return talk.reply();
}

async function signOn(talk: SmtpTalk, { username, password }: SmtpServer): Promise<Outcome> {
  return replyOf(await talk.signOn(username ?? "", password ?? ""));
}

function path({ address, parameters }: EnvelopeAddress): string {
  const extra = Object.entries(parameters).map(([name, value]) => (value === "" ? name : `${name}=${value}`));
  const words = extra.filter((word) => /^[\x21-\x7e]+$/.test(word));
  return [`<${address}>`, ...words].join(" ");
}

function replyOf({ code, enhanced, lines }: ServerReply): Reply {
  const numbers = enhanced === "" ? [] : enhanced.split(".").map(Number);
  const reason = lines.map((line) =>
    enhanced !== "" && line.startsWith(enhanced) ? line.slice(enhanced.length).trim() : line,
  );
  return { code, enhanced: numbers, reason };
}
