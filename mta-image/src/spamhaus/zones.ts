/**
 * The one table of Spamhaus lists: the zone of each, every return code that is a listing, what it means, and what we
 * do about it unless the configuration says otherwise. docs/spamhaus.md is generated from it. Pure data: a code that
 * does not stand here, in the zone that was asked, is never a listing (see judge.ts).
 */
import type { SpamhausAction, SpamhausList } from "#contract/spamhaus-config.ts";

export interface Listing {
  readonly code: string;
  /** Short word for replies, header fields and logs. */
  readonly name: string;
  readonly meaning: string;
  readonly action: SpamhausAction;
}

export interface Zone {
  /** The label in front of "dq.spamhaus.net". */
  readonly label: string;
  readonly about: string;
  readonly askedWith: string;
  /** Listed under every key that may ask this list; docs.spamhaus.com tells them for tests. */
  readonly testPoint: string;
  readonly listings: readonly Listing[];
}

const row = (code: string, name: string, action: SpamhausAction, meaning: string): Listing => ({
  code,
  name,
  meaning,
  action,
});

export const zones: Readonly<Record<SpamhausList, Zone>> = {
  zen: {
    label: "zen",
    about: "Addresses that should not send mail: SBL, CSS, DROP, XBL, PBL in one.",
    askedWith: "the address of the client; addresses as hosts of URLs, of which 127.0.0.2, .3 and .9 count",
    testPoint: "2.0.0.127",
    listings: [
      row("127.0.0.2", "sbl", "reject", "SBL: source of spam"),
      row("127.0.0.3", "css", "reject", "CSS: source of spam or of low reputation"),
      row("127.0.0.4", "xbl", "reject", "XBL: exploited or infected host"),
      row("127.0.0.5", "xbl", "reject", "XBL: reserved"),
      row("127.0.0.6", "xbl", "reject", "XBL: reserved"),
      row("127.0.0.7", "xbl", "reject", "XBL: reserved"),
      row("127.0.0.9", "drop", "reject", "DROP: network of criminals; given besides 127.0.0.2"),
      row("127.0.0.10", "pbl", "reject", "PBL: range of end users, set by its provider"),
      row("127.0.0.11", "pbl", "reject", "PBL: range of end users, set by Spamhaus"),
      row("127.0.0.30", "bcl", "reject", "BCL: controller of a botnet"),
    ],
  },
  authbl: {
    label: "authbl",
    about: "Hosts that guess passwords or use stolen ones; not part of ZEN.",
    askedWith: "the address of the client, after AUTH",
    testPoint: "2.0.0.127",
    listings: [row("127.0.0.20", "authbl", "reject", "AuthBL: brute force or stolen credentials")],
  },
  dbl: {
    label: "dbl",
    about: "Domains of low reputation.",
    askedWith: "HELO name, sender's domain; domains of addresses and hosts of URLs in the content",
    testPoint: "dbltest.com",
    listings: [
      row("127.0.1.2", "spam", "reject", "spam domain"),
      row("127.0.1.4", "phish", "reject", "phishing domain"),
      row("127.0.1.5", "malware", "reject", "malware domain"),
      row("127.0.1.6", "botnet", "reject", "domain of a botnet controller"),
      row("127.0.1.102", "abused-spam", "tag", "good domain that is abused for spam"),
      row("127.0.1.103", "abused-redirector", "tag", "redirector that is abused for spam"),
      row("127.0.1.104", "abused-phish", "tag", "good domain that is abused for phishing"),
      row("127.0.1.105", "abused-malware", "tag", "good domain that is abused for malware"),
      row("127.0.1.106", "abused-botnet", "tag", "good domain that is abused by a botnet controller"),
    ],
  },
  zrd: {
    label: "zrd",
    about: "Domains seen for the first time within the last day.",
    askedWith: "the same as DBL",
    testPoint: "test",
    listings: Array.from({ length: 23 }, (_, i) => {
      const hours = i + 2;
      const name = hours <= 4 ? "very-fresh" : "fresh";
      return row(`127.0.2.${hours}`, name, "tag", `first seen ${hours} hours ago`);
    }),
  },
  hbl: {
    label: "hbl",
    about: "Hashes of addresses, URLs, files and wallets.",
    askedWith: "what was found in envelope and content, hashed",
    testPoint: "TV7QRQPGBKF4X3K4T5QYILRI3SP5CIWVIIOH25YUOGVOJ3SBTYNA._cw",
    listings: [
      row("127.0.3.2", "email", "reject", "e-mail address of a criminal"),
      row("127.0.3.10", "malware", "reject", "file is malware"),
      row("127.0.3.15", "suspicious", "tag", "file is suspicious"),
      row("127.0.3.20", "wallet", "reject", "cryptowallet of a criminal"),
      row("127.0.3.30", "url", "reject", "malicious URL"),
    ],
  },
};

/**
 * What counts of ZEN for an address in a URL: networks of criminals and spammers. That a home or an infected host is
 * linked to says nothing about who sends the mail.
 */
export const codesForUrls: ReadonlySet<string> = new Set(["127.0.0.2", "127.0.0.3", "127.0.0.9"]);

/** Why a lookup told us nothing; every one is trouble of ours, never a listing. A closed list, used as metric label. */
export const errorReasons = {
  "key-refused": "the key is disabled, unknown or used elsewhere (127.255.255.250, .251)",
  "bad-zone": "the name of the zone is wrong (127.255.255.252)",
  "open-resolver": "the question came by a public resolver (127.255.255.254)",
  quota: "too many questions (127.255.255.255)",
  unexpected: "an answer that is not in the table of its zone",
  timeout: "no answer in time",
  "server-failure": "the resolver could not or would not answer",
  paused: "not asked, since the questions before got no answer",
  busy: "not asked, since too many questions are under way",
  "no-key": "there is no key, or its file holds none",
} as const;
export type ErrorReason = keyof typeof errorReasons;

export const errorCodes: Readonly<Record<string, ErrorReason>> = {
  "127.255.255.250": "key-refused",
  "127.255.255.251": "key-refused",
  "127.255.255.252": "bad-zone",
  "127.255.255.254": "open-resolver",
  "127.255.255.255": "quota",
};

/** The four kinds of HBL names, and the hash of each. */
export const hashForms = {
  _email: {
    hash: "SHA-256",
    of: "the address in lower case without `+tag`; for gmail.com also without dots",
  },
  _url: {
    hash: "SHA-256",
    of: "host, port if given, and the part of the path that the rule of the host says",
  },
  _file: { hash: "SHA-256", of: "the decoded bytes of an attachment" },
  _cw: { hash: "SHA-256", of: "the wallet as written; Ethereum in lower case" },
} as const;
