/** MTA-STS (RFC 8461) as text: the DNS record, the policy, and whether a host is one of its. Pure; never fails. */

export interface StsPolicy {
  readonly mode: "enforce" | "testing" | "none";
  /** Names of hosts, or *.name for one label before it; lower case. */
  readonly hosts: readonly string[];
  readonly maxAgeMs: number;
  /** The lines as they came, for reports. */
  readonly lines: readonly string[];
}

/** RFC 8461 3.2. */
const LONGEST_SECONDS = 31_557_600;
const MOST_HOSTS = 100;
const HOST = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** The id of the one record; null when there is none, or more than one (RFC 8461 3.1). */
export function readStsRecord(texts: readonly (readonly string[])[]): string | null {
  const records = texts.map((parts) => parts.join("")).filter((text) => /^v=STSv1\s*;/.test(text));
  const [only = ""] = records;
  const id = /;\s*id\s*=\s*([A-Za-z0-9]{1,32})\s*(?:;|$)/.exec(only)?.[1];
  return records.length === 1 && id !== undefined ? id : null;
}

/** Null for what is no policy. */
export function readStsPolicy(text: string): StsPolicy | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const fields = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
  });
  // Of fields that are there twice the first counts (RFC 8461 3.2).
  const first = (name: string): string => fields.find(([key]) => key === name)?.[1] ?? "";
  const mode = first("mode");
  const maxAge = first("max_age");
  if (first("version") !== "STSv1" || !/^\d{1,10}$/.test(maxAge)) return null;
  if (mode !== "enforce" && mode !== "testing" && mode !== "none") return null;
  const hosts = fields.filter(([key]) => key === "mx").map(([, value]) => value.toLowerCase());
  if (hosts.length > MOST_HOSTS || hosts.some((host) => !HOST.test(host))) return null;
  if (mode !== "none" && hosts.length === 0) return null;
  const maxAgeMs = Math.min(Number(maxAge), LONGEST_SECONDS) * 1000;
  return { mode, hosts, maxAgeMs, lines: lines.map((line) => line.slice(0, 300)) };
}

/** RFC 8461 4.1: a star stands for exactly the leftmost label. */
export function isPolicyHost({ hosts }: Pick<StsPolicy, "hosts">, host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  const parent = name.slice(name.indexOf(".") + 1);
  return hosts.some((pattern) => (pattern.startsWith("*.") ? pattern.slice(2) === parent : pattern === name));
}
