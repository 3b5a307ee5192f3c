/**
 * How many keys and signatures are being made on other threads, for tests whose time is turned by hand: none of it may go
 * by meanwhile, or on a busy machine certificates would take minutes. What makes certificates is loaded here, before any
 * time goes by.
 */
import "reflect-metadata";
import "@peculiar/x509";

let underWay = 0;

export function keysUnderWay(): number {
  return underWay;
}

const { subtle } = globalThis.crypto;
for (const name of ["generateKey", "sign", "digest", "exportKey", "importKey"] as const) {
  const make = subtle[name].bind(subtle) as (...args: readonly unknown[]) => Promise<unknown>;
  const counted = (...args: readonly unknown[]): Promise<unknown> => {
    underWay++;
    return make(...args).finally(() => underWay--);
  };
  Object.defineProperty(subtle, name, { value: counted });
}
