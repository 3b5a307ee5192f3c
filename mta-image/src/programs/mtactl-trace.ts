/**
 * `mtactl trace`: flags to a query of the admin API, and its lines for people (pure but for what it is handed to write
 * to). Who spoke shows as C: and S:, as in the RFCs. Rejects with what the connection died of.
 */
import { TraceItem, type TraceQuery } from "#contract/trace-api.ts";

const text = { type: "string" } as const;
export const traceFlags = {
  in: { type: "boolean", default: false },
  out: { type: "boolean", default: false },
  ip: text,
  listener: text,
  transport: text,
  sender: text,
  recipient: text,
  "content-lines": text,
  sessions: text,
  seconds: text,
} as const;

export const traceUsage = `  mtactl trace [--in|--out] [--ip NETWORK] [--listener ID] [--transport ID] [--sender TEXT] [--recipient TEXT]
               [--domain D] [--content-lines N] [--sessions N] [--seconds N]
                          what sessions say from now on, secrets masked
`;

const names: Readonly<Record<string, keyof TraceQuery>> = {
  ip: "remoteIp",
  listener: "listener",
  transport: "transportId",
  sender: "sender",
  recipient: "recipient",
  domain: "domain",
  "content-lines": "contentLines",
  sessions: "sessions",
  seconds: "seconds",
};

export function traceQuery(flags: Readonly<Record<string, unknown>>): URLSearchParams {
  const query = new URLSearchParams();
  if (flags["in"] !== flags["out"]) query.set("direction", flags["in"] === true ? "in" : "out");
  for (const [flag, name] of Object.entries(names)) {
    const value = flags[flag];
    if (typeof value === "string") query.set(name, value);
  }
  return query;
}

/** Writes each line as it comes, until the engine ends. */
export async function followTrace(
  body: AsyncIterable<Buffer>,
  options: { readonly asJson: boolean; readonly write: (text: string) => void },
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") continue;
      options.write(options.asJson ? `${line}\n` : showItem(TraceItem.parse(JSON.parse(line))));
    }
  }
}

export function showItem(item: TraceItem): string {
  if (item.kind === "alive") return "";
  if (item.kind === "end") {
    const missed = item.missed === 0 ? "" : `; ${item.missed} sessions went by untraced`;
    return `ended: ${item.reason}${missed}\n`;
  }
  const { at, session, direction, kind, about, bytes } = item;
  const place = direction === "in" ? about?.listener : `${about?.host} by ${about?.transportId}`;
  const texts = {
    open: `${about?.remoteIp}:${about?.remotePort} ${place}`,
    client: `C: ${item.text}`,
    server: `S: ${item.text}`,
    tls: item.text,
    content: `${bytes} bytes of content${item.text === "" ? "" : `\n${item.text}`}`,
    close: item.text,
  };
  const word = kind === "client" || kind === "server" ? "" : `-- ${kind} `;
  const head = `${at.slice(11, 23)} ${direction.padEnd(3)} ${session.slice(-8)} `;
  const shown = `${head}${word}${texts[kind]}`.replaceAll("\n", `\n${" ".repeat(head.length)}`);
  return `${shown}\n`;
}
