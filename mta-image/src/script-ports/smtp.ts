/**
 * One SMTP conversation at a time for scripts: mail sent to a server, and questions whether it would take mail or a password.
 * Not the way that queued mail goes (delivery/), though it finds hosts as that does: nothing is retried or kept. Never rejects.
 */
import type { Clock } from "#base/clock.ts";
import type { Random } from "#base/random.ts";

import { BodyStuffer } from "../delivery/body.ts";
import type { TlsRules } from "../delivery/tls-rules.ts";
import { isLocalTarget } from "../dns/records.ts";
import type { Resolver } from "../dns/resolver.ts";
import type { Pieces } from "../script/mail/pieces.ts";
import type { EnvelopeAddress } from "../script/mail-port.ts";
import type { SmtpOutcome, SmtpPort, SmtpServer } from "../script/ports.ts";
import { fault, lost, outcomeOf, reach } from "./smtp-reach.ts";
import { SmtpTalk } from "./smtp-talk.ts";
import { type SmtpRoom, wayTo } from "./smtp-way.ts";

export interface SmtpPortOptions extends SmtpRoom {
  readonly clock: Clock;
  readonly random: Random;
  readonly resolver: Resolver;
  readonly hostname: () => string;
  readonly rules: TlsRules;
  /** Whether an address that came from DNS must not be connected to; absent: those of our own network. */
  readonly isForbidden?: (ip: string) => boolean;
}

type Wish = Parameters<SmtpPort["send"]>[0];
type Go = (talk: SmtpTalk, server: SmtpServer) => Promise<SmtpOutcome>;

export function makeSmtpPort(options: SmtpPortOptions): SmtpPort {
  const converse = makeConversations(options);
  return {
    async send(wish, signal) {
      const { server, recipients } = wish;
      const domains = new Set(recipients.map(({ address }) => domainOf(address)));
      const go: Go = (talk, own) => transaction(talk, wish, own);
      // One answer cannot speak of the mail hosts of several domains.
      return converse(server, { domain: domains.size === 1 ? ([...domains][0] ?? null) : null, signal, go });
    },
    authenticate: (server, signal) => converse(server, { domain: null, signal, go: signOn }),
  };
}

function makeConversations(options: SmtpPortOptions) {
  const { clock, random, resolver, rules, isForbidden = isLocalTarget } = options;
  return async (
    server: SmtpServer,
    { domain, signal, go }: { readonly domain: string | null; readonly signal: AbortSignal; readonly go: Go },
  ): Promise<SmtpOutcome> => {
    const way = wayTo(server, options);
    if ("problem" in way) return fault(way.problem, true);
    const finder = { resolver, random, hostname: options.hostname(), isForbidden };
    const talk = await reach({ way, domain, finder, rules, clock, signal });
    if (!(talk instanceof SmtpTalk)) return talk;
    try {
      const outcome = await go(talk, way.server);
      talk.quit();
      return outcome;
    } catch (error) {
      talk.close();
      return lost(error, talk);
    }
  };
}

async function transaction(
  talk: SmtpTalk,
  { sender, recipients, message }: Wish,
  { username, password, isLmtp }: SmtpServer,
): Promise<SmtpOutcome> {
  if (username !== null) {
    const signed = await talk.signOn(username, password ?? "");
    if (signed.code >= 400) return outcomeOf(signed, talk);
  }
  let last = await talk.command("MAIL", `MAIL FROM:${path(sender)}`);
  if (last.code >= 400) return outcomeOf(last, talk);
  for (const recipient of recipients) {
    last = await talk.command("RCPT", `RCPT TO:${path(recipient)}`);
    // A message goes to all of its recipients or to none, since the script gets one answer.
    if (last.code >= 400) return outcomeOf(last, talk);
  }
  if (message === null) return outcomeOf(last, talk);
  const ready = await talk.command("DATA", "DATA");
  if (ready.code !== 354) return outcomeOf(ready, talk);
  return content(talk, message, isLmtp ? recipients.length : 1);
}

/** Servers of LMTP say of each recipient how it went (RFC 2033 4.2); the script hears the worst. */
async function content(talk: SmtpTalk, message: Pieces, replies: number): Promise<SmtpOutcome> {
  const stuffer = new BodyStuffer();
  for await (const chunk of message.chunks()) await talk.write(stuffer.push(chunk));
  await talk.write(stuffer.end());
  talk.state = "EOD";
  let worst = await talk.reply();
  for (let heard = 1; heard < replies; heard++) {
    const next = await talk.reply();
    if (next.code > worst.code) worst = next;
  }
  return outcomeOf(worst, talk);
}

async function signOn(talk: SmtpTalk, { username, password }: SmtpServer): Promise<SmtpOutcome> {
  return outcomeOf(await talk.signOn(username ?? "", password ?? ""), talk);
}

function path({ address, parameters }: EnvelopeAddress): string {
  const extra = Object.entries(parameters).map(([name, value]) => (value === "" ? name : `${name}=${value}`));
  const words = extra.filter((word) => /^[\x21-\x7e]+$/.test(word));
  return [`<${address}>`, ...words].join(" ");
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase();
}
