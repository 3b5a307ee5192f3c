/**
 * Postfix's smtp-source as a client: sends many messages over many connections and fails loudly when one of them
 * does not get its 250. With `numbered`, every recipient address is different ("123user@…"), so a ledger on the
 * other side can tell what was lost or doubled. Needs Debian's postfix package.
 */
import { tryRun } from "./shell.ts";

export interface SourceOptions {
  readonly address: string;
  readonly port: number;
  readonly namespace?: string | null;
  readonly messages: number;
  readonly connections: number;
  readonly sizeBytes: number;
  readonly sender: string;
  readonly recipient: string;
  readonly numbered: boolean;
  /** A new connection for each message. */
  readonly isReconnecting?: boolean;
  readonly timeoutMs?: number;
}

export interface SourceResult {
  readonly seconds: number;
}

/** Resolves when every message got 250; rejects with what smtp-source said. */
export async function sendWithSmtpSource(options: SourceOptions): Promise<SourceResult> {
  const args = [
    ...["-m", String(options.messages), "-s", String(options.connections), "-l", String(options.sizeBytes)],
    ...["-f", options.sender, "-t", options.recipient, ...(options.numbered ? ["-N"] : [])],
    ...(options.isReconnecting === true ? [] : ["-d"]),
    `${options.address}:${options.port}`,
  ];
  const started = performance.now();
  const result = await tryRun("smtp-source", args, {
    namespace: options.namespace ?? null,
    timeoutMs: options.timeoutMs ?? 300_000,
  });
  if (result.code !== 0) throw new Error(`smtp-source ended with ${result.code}: ${result.stderr}`);
  return { seconds: (performance.now() - started) / 1000 };
}
