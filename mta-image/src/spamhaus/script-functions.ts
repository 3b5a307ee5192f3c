/**
 * Spamhaus for scripts: one function that asks about one thing, with the key, the lists, the cache and the actions of
 * the configuration. `mta.ts` hands the host to the hooks. It never fails for what the network does: trouble is told
 * as `error`, and a script decides what it means.
 */
import { Refusal } from "../script/error.ts";
import { type Host, declare, makeHost, parameter } from "../script/host.ts";
import { fromBytes, list, record } from "../script/library/subjects.ts";
import type { HslArray, Value } from "../script/value.ts";
import { Inquirer, hashed } from "./inquiries.ts";
import type { Finding } from "./judge.ts";
import type { Lookup } from "./lookup.ts";
import { parseUrl, urlForm } from "./normalize-url.ts";
import type { StageSettings } from "./stage-settings.ts";
import { type Inquiry, actionFor } from "./verdict.ts";
import { findWallets } from "./wallets.ts";

/** What the function needs of Spamhaus in this engine. */
export interface ScriptedSpamhaus {
  readonly lookup: Lookup;
  /** Null while nothing is asked. */
  readonly settings: StageSettings | null;
}

type Ask = (subject: string, settings: StageSettings) => readonly Inquiry[];

/** By the first argument. */
const subjects: Readonly<Record<string, Ask>> = {
  ip: (subject, settings) => new Inquirer(settings).client(subject, "zen"),
  login: (subject, settings) => new Inquirer(settings).client(subject, "authbl"),
  domain: (subject, settings) => new Inquirer(settings).domain(fromBytes(subject)),
  email: (subject, settings) => new Inquirer(settings).address(fromBytes(subject)),
  url: (subject, { urlRules }) => {
    const url = parseUrl(fromBytes(subject));
    return url === null ? [] : [hashed("_url", urlForm(url, urlRules), "")];
  },
  wallet: (subject) => {
    const found: Inquiry[] = [];
    findWallets(subject, (wallet) => found.push(hashed("_cw", wallet, "")));
    return found.slice(0, 1);
  },
  file: (subject) => [hashed("_file", Buffer.from(subject, "latin1"), "")],
};

export function spamhausHost(spamhaus: ScriptedSpamhaus): Host {
  const names = Object.keys(subjects).join(", ");
  return makeHost([
    declare({
      name: "spamhaus",
      parameters: [parameter.string("type"), parameter.string("subject")],
      returns: "array",
      docs: `Asks Spamhaus, as spamhaus in smtpd-app.yaml says, about one subject of a type: ${names} (login is an ip after AUTH, file is its decoded bytes). \`result\` is a list of listings, each with list, code, name, meaning and action, empty when it is not listed; or there is \`error\`: off, or a reason of docs/spamhaus.md.`,
      way: "promise",
      run: async (_context, type, subject) => {
        const ask = subjects[type];
        if (ask === undefined) throw new Refusal(`spamhaus() knows ${names}, not ${type}`);
        const { settings, lookup } = spamhaus;
        if (settings === null) return record({ error: "off" });
        const inquiries = ask(subject, settings).filter((one) => settings.lists.has(one.list));
        return answer(inquiries, await lookup.askAll(inquiries), settings);
      },
    }),
  ]);
}

/** A listing counts more than trouble with another list. */
function answer(
  inquiries: readonly Inquiry[],
  findings: readonly Finding[],
  { policy }: StageSettings,
): HslArray {
  const listings = findings.flatMap((finding, i): Value[] => {
    const from = inquiries[i];
    if (finding.kind !== "listed" || from === undefined) return [];
    return finding.listings.map((listing) => {
      const { code, name, meaning } = listing;
      const action = actionFor({ list: from.list, listing }, policy);
      return record({ list: from.list, code, name, meaning, action });
    });
  });
  const trouble = findings.find((finding) => finding.kind === "error");
  if (listings.length === 0 && trouble?.kind === "error") return record({ error: trouble.reason });
  return record({ result: list(listings) });
}
