/** Questions to other mail servers, and mail that a script writes in one call. */
import type { RunContext } from "../context.ts";
import { toText } from "../convert.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { writeAddresses } from "../mail/addresses.ts";
import { Builder } from "../mail/build.ts";
import { makeField } from "../mail/edit.ts";
import { after } from "../mail/pieces.ts";
import { type SmtpOutcome, port } from "../ports.ts";
import { HslArray, type Value } from "../value.ts";
import { mailDate } from "./mail-date.ts";
import { addressParameter, queueText } from "./mail-out.ts";
import { SERVER_DOCS, serverParameter } from "./smtp-server.ts";
import { flag, option, record } from "./subjects.ts";
import { tlsArray } from "./smtp-secured.ts";
import { randomUUID } from "node:crypto";

const { string, array } = parameter;
const options = optional(array("options"));

export const smtpFunctions: readonly HostFunction[] = [
  declare({
    name: "smtp_lookup_rcpt",
    parameters: [serverParameter, addressParameter("sender"), addressParameter("recipient"), options],
    returns: "number or array",
    docs: `Asks a server whether it would take mail for the recipient: 1 yes, 0 no, -1 not known now. With option \`extended_result\` an array of \`result\` (that number), \`error_code\` and \`error_message\` (of the last reply; none and what happened instead where there is none), \`on_rcptto\` (whether it was about the recipient) and \`tls\` (started, protocol, cipher, keysize, peercert). ${SERVER_DOCS}`,
    way: "promise",
    run: async (context, server, sender, recipient, how) => {
      const wish = { server, sender, recipients: [recipient], message: null };
      return verdict(await port(context, "smtp").send(wish, context.signal), how);
    },
  }),
  declare({
    name: "smtp_lookup_auth",
    parameters: [serverParameter, string("username"), string("password"), options],
    returns: "number",
    docs: "Asks a server whether the name and password are right: 1 yes, 0 no, -1 not known now. The server as for smtp_lookup_rcpt, but that nobody is there to look up mail exchangers for.",
    way: "promise",
    run: async (context, server, username, password, how) =>
      verdict(
        await port(context, "smtp").authenticate({ ...server, username, password }, context.signal),
        how,
      ),
  }),
  declare({
    name: "mail",
    parameters: [
      addressParameter("sender"),
      addressParameter("recipient"),
      string("subject"),
      string("body"),
      string("transportid"),
      options,
    ],
    returns: "string or none",
    docs: "Queues a text message; gives its transaction id, or none when that failed. Options: `sender_name` and `recipient_name` (for From and To), `headers` by name, and those of queue() of MailMessage (`metadata`, `jobid`, `quotas`, `delay`, `hold`, `dsn`).",
    way: "promise",
    run: (context, sender, recipient, subject, body, transportId, how) => {
      const builder = textMail(context, { from: sender.address, to: recipient.address, subject, body }, how);
      return after(builder.message(), (part) =>
        after(queueText(context, part.all(), [sender, recipient, transportId, how]), (queued) =>
          (queued as HslArray).get("transaction"),
        ),
      ) as Promise<Value>;
    },
  }),
];

function textMail(
  { clock, hostname }: RunContext,
  text: { readonly from: string; readonly to: string; readonly subject: string; readonly body: string },
  how: HslArray | undefined,
): Builder {
  const builder = new Builder(randomUUID());
  const more = option(how, "headers");
  const mailbox = (name: string, address: string): string =>
    writeAddresses([{ name: toText(option(how, name)).replace(/[\r\n\0]/g, " "), address }]);
  const fields: (readonly [string, string])[] = [
    ["From", mailbox("sender_name", text.from)],
    ["To", mailbox("recipient_name", text.to)],
    ["Subject", text.subject],
    ["Date", mailDate(clock.now() / 1000)],
    ["Message-ID", `<${randomUUID()}@${hostname}>`],
    ...(more instanceof HslArray ? [...more.entries()] : []).map(
      ([name, value]) => [String(name), toText(value)] as const,
    ),
  ];
  builder.fields.push(...fields.map(([name, value]) => makeField(name, value, true)));
  builder.type = "text/plain; charset=utf-8";
  builder.body = text.body;
  return builder;
}

function verdict(outcome: SmtpOutcome, how: HslArray | undefined): Value {
  const isError = "error" in outcome;
  const result = isError ? (outcome.temporary ? -1 : 0) : fromCode(outcome.code);
  if (!flag(how, "extended_result")) return result;
  return record({
    result,
    error_code: isError ? null : outcome.code,
    error_message: isError ? outcome.error : outcome.reason.join(" "),
    on_rcptto: outcome.state === "RCPT",
    tls: tlsArray(outcome.tls),
  });
}

function fromCode(code: number): number {
  if (code >= 200 && code < 300) return 1;
  return code >= 500 ? 0 : -1;
}
