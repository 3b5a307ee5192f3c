/** Directories of the configuration (`scripting.ldap`) as profiles by name. Passwords are read when they are used, so a new one needs no reload. */
import { readFileSync } from "node:fs";

import { Refusal } from "../script/error.ts";
import type { LdapProfile } from "../script/ports.ts";

export interface ConfiguredDirectory {
  readonly id: string;
  readonly uri: string;
  readonly starttls: boolean;
  readonly binddn: string;
  readonly passwordfile?: string | undefined;
  readonly base: string;
  readonly filter: string;
  readonly attributes: readonly string[];
  readonly userdn: string;
  readonly timeout: number;
}

export function configuredDirectories(
  directories: readonly ConfiguredDirectory[],
): ReadonlyMap<string, LdapProfile> {
  return new Map(directories.map((one) => [one.id, profileOf(one)]));
}

function profileOf(one: ConfiguredDirectory): LdapProfile {
  return {
    uris: one.uri.split(" "),
    startTls: one.starttls,
    bindDn: one.binddn,
    get password() {
      return one.passwordfile === undefined ? "" : readPassword(one.id, one.passwordfile);
    },
    base: one.base,
    filter: one.filter,
    attributes: one.attributes,
    userDn: one.userdn,
    timeoutMs: one.timeout,
  };
}

/** Without the line end behind it. Throws a Refusal that names the directory and shows nothing of the file. */
function readPassword(id: string, path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch {
    throw new Refusal(`the password file of LDAP profile ${id} cannot be read: ${path}`);
  }
}
