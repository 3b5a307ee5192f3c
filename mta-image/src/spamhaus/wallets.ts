/**
 * Cryptowallets in text (pure). Every wallet holds a run of at least 26 letters and digits: those are looked for once
 * and each is held against the shape of the six currencies that HBL knows. At most `most` are returned.
 */

const SHORTEST = 26;
/** Longer runs are no wallets but encoded data. */
const LONGEST = 128;

const shapes = [
  /^(?:bc1|[13])[a-zA-HJ-NP-Z0-9]{25,39}$/,
  /^0x[a-fA-F0-9]{40}$/,
  /^[4578][1-9A-HJ-NP-Za-km-z]{94}$/,
  /^[LM3][a-km-zA-HJ-NP-Z1-9]{26,33}$/,
  /^r[rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz]{27,35}$/,
] as const;
const CASH_PREFIX = "bitcoincash:";
const CAPITALS = /^(?:BC1|[QP])[A-Z0-9]+$/;
const CASH = /^[qp][qpzry9x8gf2tvdw0s3jn54khce6mua7l]{41,111}$/;

/** Any run that is long enough covers one of the places looked at, so most letters are never touched. */
export function findWallets(text: string, take: (wallet: string) => void): void {
  for (let at = SHORTEST - 1; at < text.length; at += SHORTEST) {
    if (!isPlain(text, at)) continue;
    let start = at;
    while (isPlain(text, start - 1)) start--;
    while (isPlain(text, at + 1)) at++;
    const length = at + 1 - start;
    if (length < SHORTEST || length > LONGEST) continue;
    const before = text.slice(Math.max(0, start - CASH_PREFIX.length), start);
    const wallet = walletOf(text.slice(start, at + 1), before);
    if (wallet !== null) take(wallet);
  }
}

/** A letter or digit of ASCII. */
function isPlain(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 65 && code <= 90);
}

/**
 * As HBL hashes it: Ethereum in lower case, and so the two forms that may be written all in capitals (BIP 173, CashAddr);
 * in all others the case tells wallets apart.
 */
function walletOf(run: string, before: string): string | null {
  if (CAPITALS.test(run)) return walletOf(run.toLowerCase(), before.toLowerCase());
  if (before === CASH_PREFIX && CASH.test(run)) return `${CASH_PREFIX}${run}`;
  if (/[_]$/.test(before) || !shapes.some((shape) => shape.test(run))) return null;
  return run.startsWith("0x") ? run.toLowerCase() : run;
}
