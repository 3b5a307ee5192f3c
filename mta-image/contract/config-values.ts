/** The value kinds that both configuration files use, each with the sentence that a wrong value gets. */
import { isIP } from "node:net";
import { z } from "zod";

import { parseDuration, parseSize } from "./units.ts";

export const identifier = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    "must be a name of letters, digits, dot, hyphen and underscore, 64 at most",
  );

export const port = z.int().min(0).max(65_535);

export const networkAddress = z.string().refine((text) => isIP(text) !== 0, "must be an IP address");

/** A name server: an address, with :port if need be. */
export const nameServer = z.string().refine((text) => {
  const [, bracketed, bare, port] = /^(?:\[([^\]]+)\]|([^[\]]+?))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (isIP(text) !== 0) return true;
  return (isIP(bracketed ?? "") === 6 || isIP(bare ?? "") === 4) && Number(port ?? 53) <= 65_535;
}, "must be an IP address, or an address with a port such as 192.0.2.1:53 or [2001:db8::1]:53");

/** 100 years: times that are so far away still are whole numbers, wherever they are kept. */
const LONGEST_MS = 36_500 * 86_400_000;

/** Milliseconds out of "1h30m" or seconds. */
export const duration = z
  .union([z.string(), z.number()])
  .transform((value, context) => {
    const parsed = parseDuration(value);
    if (parsed !== null && parsed <= LONGEST_MS) return parsed;
    const message =
      parsed === null
        ? 'must be a duration such as "30s", "1h30m" or a number of seconds'
        : "must be 36500d at most";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  })
  .meta({ unit: "duration" });

const notNothing = (value: number): boolean => value > 0;

/** Where nothing would come of none. */
export const timeSpan = duration
  .refine(notNothing, "must be more than nothing")
  .meta({ unit: "duration, more than 0" });

/** Bytes out of "10MiB" or a number. */
export const size = z
  .union([z.string(), z.number()])
  .transform((value, context) => {
    const parsed = parseSize(value);
    if (parsed !== null) return parsed;
    context.addIssue({ code: "custom", message: 'must be a size such as "10MiB" or a number of bytes' });
    return z.NEVER;
  })
  .meta({ unit: "size" });

export const someSize = size
  .refine(notNothing, "must be more than nothing")
  .meta({ unit: "size, more than 0" });

export const network = z.string().refine(isNetwork, "must be a network such as 10.0.0.0/8 or fc00::/7");

function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

export const domain = z
  .string()
  .max(253)
  .regex(
    /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/,
    "must be a domain name",
  );

/** Whether mail leaves in TLS, and whose certificate is good. */
export const tlsModes = [
  "disabled",
  "optional",
  "optional_verify",
  "require",
  "require_verify",
  "dane",
  "dane_fallback_require_verify",
  "dane_require",
] as const;

/** A regular expression of JavaScript, of at most so many characters. */
export function pattern(mostChars: number): z.ZodString {
  return z.string().min(1).max(mostChars).refine(isPattern, "is no regular expression");
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, "i");
    return true;
  } catch {
    return false;
  }
}
