/** A line of a file of logins (servers[].auth.file), with terms of argon2id that cost a test nothing. */
import { argon2Sync, randomBytes } from "node:crypto";

export function loginLine(name: string, password: string): string {
  const nonce = randomBytes(16);
  const terms = { message: password, nonce, memory: 64, passes: 1, parallelism: 1, tagLength: 32 };
  const strip = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/, "");
  return `${name}:$argon2id$v=19$m=64,t=1,p=1$${strip(nonce)}$${strip(argon2Sync("argon2id", terms))}\n`;
}
