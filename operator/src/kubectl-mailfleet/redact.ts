/**
 * Takes out of what goes into a bundle what strangers should not read (pure): values of variables, whatever is called like
 * a secret, contents of ConfigMaps, and mail addresses, which become short names that are the same throughout one
 * bundle. Secrets never come here.
 */
import { createHash } from "node:crypto";

const SECRET_KEY = /pass|secret|token|key$|credential|private/i;
const ADDRESS = /[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}/g;
const HIDDEN = "<redacted>";
/** Names of things, not things. */
const NAMES: ReadonlySet<string> = new Set([
  "secretName",
  "secretKeyRef",
  "imagePullSecrets",
  "keySecretRef",
  "topologyKey",
]);

/** `salt` is drawn anew for each bundle, so that addresses of two cannot be matched. */
export function redactText(text: string, salt: string): string {
  return text.replaceAll(ADDRESS, (address) => {
    const hash = createHash("sha256").update(`${salt}\0${address.toLowerCase()}`).digest("hex").slice(0, 8);
    return `<address-${hash}>`;
  });
}

export function redactObject(value: unknown, salt: string): unknown {
  return walk(value, "", salt);
}

function walk(value: unknown, key: string, salt: string): unknown {
  if (typeof value === "string")
    return SECRET_KEY.test(key) && !NAMES.has(key) ? HIDDEN : redactText(value, salt);
  if (Array.isArray(value)) return value.map((item) => walk(item, key, salt));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value as Record<string, unknown>).filter(([name]) => !DROPPED.has(name));
  const isVariable = entries.some(([name]) => name === "name") && entries.some(([name]) => name === "value");
  return Object.fromEntries(
    entries.map(([name, inner]) => {
      if (isVariable && name === "value") return [name, HIDDEN];
      if (name === "data" || name === "binaryData") return [name, sizesOf(inner)];
      return [name, walk(inner, name, salt)];
    }),
  );
}

const DROPPED: ReadonlySet<string> = new Set([
  "managedFields",
  "kubectl.kubernetes.io/last-applied-configuration",
]);

function sizesOf(data: unknown): unknown {
  if (typeof data !== "object" || data === null) return HIDDEN;
  return Object.fromEntries(
    Object.entries(data).map(([name, text]) => [
      name,
      `<${typeof text === "string" ? text.length : 0} characters>`,
    ]),
  );
}
