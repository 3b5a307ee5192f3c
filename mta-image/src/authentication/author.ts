/** Whose mail a message is: the domain of its From field, for the choice of a key. Pure; never fails. */
import { domainToASCII } from "node:url";

import { fieldName, fieldValue, splitFields } from "./head.ts";

/** Longer ones are no list of authors, and would keep the expressions below busy. */
const LONGEST_FROM = 8192;

/** In lower case and A-labels; null when there is not exactly one From field with one domain. */
export function authorDomain(head: Buffer): string | null {
  const from = splitFields(head).filter((field) => fieldName(field) === "from");
  if (from.length !== 1 || (from[0]?.length ?? 0) > LONGEST_FROM) return null;
  const domains = new Set(domainsOf(fieldValue(from[0] as Buffer)));
  const [only = ""] = domains;
  return domains.size === 1 && only !== "" ? only : null;
}

/** Display names and comments may hold anything, so they go first. */
function domainsOf(value: string): string[] {
  const bare = value.replace(/"(?:[^"\\]|\\.)*"/g, '"').replace(/\([^()]*\)/g, "");
  return bare.split(",").flatMap((mailbox) => {
    const address = /<([^<>]*)>/.exec(mailbox)?.[1] ?? mailbox;
    const at = address.lastIndexOf("@");
    return at === -1 ? [] : [domainToASCII(address.slice(at + 1).trim())];
  });
}
