/**
 * crypt(3) with SHA-256 and SHA-512 (`$5$`, `$6$`), the hashes of passwords on Unix, as Ulrich Drepper's description has them. Pure;
 * null for other salts, and for more rounds than a mail server has time for.
 */
import { createHash } from "node:crypto";

const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ROUNDS = 5_000;
const FEWEST = 1_000;
/** Some 150 ms. */
const MOST = 100_000;
const LONGEST_KEY = 1024;

/** How many bytes the digest has, and by how much the next group of three is turned. */
const kinds = {
  "5": { name: "sha256", size: 32, turn: 2 },
  "6": { name: "sha512", size: 64, turn: 1 },
} as const;
type Kind = (typeof kinds)[keyof typeof kinds];

const SETTING = /^\$([56])\$(rounds=(\d{1,9})\$)?([^$]{0,16})/;

/** How often a setting wants the digest turned; null for more than is done, and for what is no setting. */
export function roundsOf(setting: string): number | null {
  const found = SETTING.exec(setting);
  const rounds = Math.max(Number(found?.[3] ?? ROUNDS), FEWEST);
  return found === null || rounds > MOST ? null : rounds;
}

export function shaCrypt(password: string, setting: string): string | null {
  const [, id, , given, salt = ""] = SETTING.exec(setting) ?? [];
  const rounds = roundsOf(setting);
  if (id === undefined || rounds === null || password.length > LONGEST_KEY) return null;
  const kind = kinds[id as keyof typeof kinds];
  const digest = stretch(Buffer.from(password, "latin1"), Buffer.from(salt, "latin1"), { kind, rounds });
  const stated = given === undefined ? "" : `rounds=${rounds}$`;
  return `$${id}$${stated}${salt}$${encode(digest, kind)}`;
}

function hash({ name }: Kind, ...parts: readonly Buffer[]): Buffer {
  const made = createHash(name);
  for (const part of parts) made.update(part);
  return made.digest();
}

/** So many bytes of a digest, over and over. */
function fill(digest: Buffer, length: number): Buffer {
  return Buffer.alloc(length, digest.toString("latin1"), "latin1");
}

function stretch(key: Buffer, salt: Buffer, { kind, rounds }: { kind: Kind; rounds: number }): Buffer {
  const other = hash(kind, key, salt, key);
  const bits: Buffer[] = [];
  for (let left = key.length; left > 0; left >>= 1) bits.push((left & 1) === 1 ? other : key);
  let digest = hash(kind, key, salt, fill(other, key.length), ...bits);
  const p = fill(hash(kind, ...Array.from({ length: key.length }, () => key)), key.length);
  const s = fill(hash(kind, ...Array.from({ length: 16 + (digest[0] ?? 0) }, () => salt)), salt.length);
  for (let round = 0; round < rounds; round += 1) {
    const isOdd = round % 2 === 1;
    const parts = [isOdd ? p : digest];
    if (round % 3 !== 0) parts.push(s);
    if (round % 7 !== 0) parts.push(p);
    parts.push(isOdd ? digest : p);
    digest = hash(kind, ...parts);
  }
  return digest;
}

/** Three bytes, a third of the digest apart and turned from group to group, are four letters; what is left over is two or three. */
function encode(digest: Buffer, { size, turn }: Kind): string {
  const third = Math.floor(size / 3);
  let text = "";
  for (let group = 0; group < third; group += 1) {
    const places = [group, group + third, group + third * 2];
    const first = (group * turn) % 3;
    const [a = 0, b = 0, c = 0] = [0, 1, 2].map((at) => digest[places[(first + at) % 3] ?? 0] ?? 0);
    text += letters((a << 16) | (b << 8) | c, 4);
  }
  const rest = size === 32 ? ((digest[31] ?? 0) << 8) | (digest[30] ?? 0) : (digest[63] ?? 0);
  return text + letters(rest, size === 32 ? 3 : 2);
}

function letters(value: number, count: number): string {
  let text = "";
  for (let at = 0; at < count; at += 1) text += ALPHABET[(value >> (6 * at)) & 63];
  return text;
}
