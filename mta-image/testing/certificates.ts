/** An authority and a certificate for tests, made by openssl(1) in a temp folder. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface TestCertificate {
  /** Paths of PEM files. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly pem: { readonly cert: string; readonly key: string };
}

/** A certificate for `name`, good for servers and clients, signed by an authority of its own; expired with negative days. */
export function makeCertificate(
  folder: string,
  name: string,
  { days = 30, address = "127.0.0.1" }: { readonly days?: number; readonly address?: string } = {},
): TestCertificate {
  const at = (file: string): string => join(folder, `${name}.${file}`);
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.crt"),
    "-subj",
    "/CN=test",
    "-days",
    "30",
  );
  openssl("req", ...newKey, "-keyout", at("key"), "-out", at("csr"), "-subj", `/CN=${name}`);
  const extensions = `subjectAltName=DNS:${name},IP:${address}\nextendedKeyUsage=serverAuth,clientAuth\n`;
  writeFileSync(at("ext"), extensions);
  const sign = [
    "x509",
    "-req",
    "-in",
    at("csr"),
    "-CA",
    at("ca.crt"),
    "-CAkey",
    at("ca.key"),
    "-CAcreateserial",
  ];
  openssl(...sign, "-out", at("crt"), "-days", String(days), "-extfile", at("ext"));
  const pem = { cert: readFileSync(at("crt"), "utf8"), key: readFileSync(at("key"), "utf8") };
  return { ca: at("ca.crt"), cert: at("crt"), key: at("key"), pem };
}
