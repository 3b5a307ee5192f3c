/**
 * Who may import what, as data: room to the rooms and packages it may import; its own files and Node's modules are
 * always allowed (but see `closedModules`). Whatever is not listed is forbidden. Tests, `testing/`, `bench/` and
 * `testdata/` may import anything, and nothing else may import them. tools/tidy.ts enforces it.
 */
const engineRooms = [
  "admin",
  "authentication",
  "config",
  "delivery",
  "dns",
  "dsn",
  "intake",
  "net",
  "plugins",
  "queue",
  "session",
  "spamhaus",
  "spool",
  "transfer",
];
const operatorRooms = [
  "cache",
  "desired",
  "engine",
  "keda",
  "kube",
  "plugins",
  "reconcile",
  "rollout",
  "scaling",
  "slots",
  "spamhaus",
  "status",
  "watch",
];
const mta = (...rooms: readonly string[]): readonly string[] => rooms.map((room) => `mta-image/src/${room}`);
const operator = (...rooms: readonly string[]): readonly string[] =>
  rooms.map((room) => `operator/src/${room}`);
const contract = "mta-image/contract";

export const layers: Readonly<Record<string, readonly string[]>> = {
  base: ["fastify", "pino", "prom-client"],
  crds: ["zod"],
  [contract]: ["zod", "js-yaml"],

  "mta-image/src/smtp": ["base"],
  "mta-image/src/message": ["base"],
  "mta-image/src/script": ["base", ...mta("message"), "csv-parse", "iconv-lite", "js-yaml", "tldts"],
  "mta-image/src/net": ["base"],
  "mta-image/src/dns": ["base", "dns-packet"],
  "mta-image/src/authentication": ["base", "mailauth", ...mta("dns", "intake", "message")],
  "mta-image/src/spool": ["base", ...mta("smtp", "message")],
  "mta-image/src/plugins": ["base", contract, ...mta("script")],
  "mta-image/src/hooks": ["base", ...mta("smtp", "message", "script", "plugins", "dns")],
  "mta-image/src/queue": ["base", contract, ...mta("spool", "message", "smtp")],
  "mta-image/src/intake": ["base", ...mta("smtp", "message", "spool", "queue", "hooks")],
  "mta-image/src/dsn": ["base", ...mta("smtp", "message", "spool", "queue", "intake")],
  "mta-image/src/session": ["base", ...mta("smtp", "net", "message", "hooks", "intake")],
