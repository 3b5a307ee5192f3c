/** Whether a certificate is for one of several names. Pure. */
import { type PeerCertificate, checkServerIdentity } from "node:tls";

/** Undefined where one of them fits. A name that begins with a dot is any name with one label more, as OpenSSL has it. */
export function checkNames(names: readonly string[], shown: PeerCertificate): Error | undefined {
  const faults = names.map((name) =>
    checkServerIdentity(name.startsWith(".") ? below(name, shown) : name, shown),
  );
  return faults.includes(undefined) ? undefined : faults[0];
}

/** The name of the certificate that is one label below the domain; else the domain, which fits nothing. */
function below(domain: string, { subjectaltname = "" }: PeerCertificate): string {
  const names = subjectaltname.split(", ").flatMap((one) => (one.startsWith("DNS:") ? [one.slice(4)] : []));
  const isBelow = (name: string): boolean =>
    name.slice(name.indexOf(".")).toLowerCase() === domain.toLowerCase();
  return names.find((name) => !name.startsWith("*") && isBelow(name)) ?? domain;
}
