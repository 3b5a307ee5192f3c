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
  "events",
  "feedback",
  "dsn",
  "intake",
  "net",
  "plugins",
  "queue",
  "suppression",
  "session",
  "spamhaus",
  "spool",
  "telemetry",
  "trace",
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
  "scripts",
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
  "mta-image/src/script-ports": [
    "base",
    "ldapts",
    "undici",
    ...mta("script", "dns", "authentication", "delivery", "smtp"),
  ],
  "mta-image/src/language-server": [
    "vscode-languageserver",
    "vscode-languageserver-textdocument",
    ...mta("script", "hooks"),
  ],
  "mta-image/src/net": ["base"],
  "mta-image/src/egress-proxy": ["base", ...mta("net")],
  "mta-image/src/trace": ["base", contract, ...mta("net")],
  "mta-image/src/dns": ["base", "dns-packet"],
  "mta-image/src/authentication": ["base", "mailauth", ...mta("dns", "intake", "message")],
  "mta-image/src/spool": ["base", ...mta("smtp", "message")],
  "mta-image/src/plugins": ["base", contract, ...mta("script")],
  "mta-image/src/hooks": ["base", contract, ...mta("smtp", "message", "script", "plugins", "dns")],
  "mta-image/src/queue": ["base", contract, ...mta("spool", "message", "smtp")],
  "mta-image/src/events": ["base", contract, ...mta("message", "queue", "spool")],
  "mta-image/src/intake": ["base", ...mta("smtp", "message", "spool", "queue", "hooks")],
  "mta-image/src/suppression": ["base", contract, ...mta("message", "queue", "transfer")],
  "mta-image/src/feedback": ["base", contract, ...mta("smtp", "message", "queue", "intake")],
  "mta-image/src/dsn": ["base", ...mta("smtp", "message", "spool", "queue", "intake")],
  "mta-image/src/session": ["base", ...mta("smtp", "net", "message", "hooks", "intake", "trace")],
  "mta-image/src/delivery": [
    "base",
    "aws4fetch",
    "socks",
    "undici",
    ...mta("smtp", "net", "dns", "message", "spool", "hooks", "queue", "trace"),
  ],
  "mta-image/src/spamhaus": [
    "base",
    contract,
    "js-yaml",
    "zod",
    ...mta("dns", "message", "net", "script", "session", "smtp"),
  ],
  "mta-image/src/telemetry": ["base", contract, "undici", ...mta("queue", "spool")],
  "mta-image/src/transfer": ["base", contract, "undici", ...mta("spool", "queue", "message")],
  "mta-image/src/config": ["base", contract, ...mta("net", "queue", "session", "delivery")],
  "mta-image/src/admin": [
    "base",
    contract,
    "fastify",
    "prom-client",
    "zod",
    ...mta(
      "authentication",
      "config",
      "events",
      "queue",
      "spool",
      "session",
      "delivery",
      "transfer",
      "hooks",
      "plugins",
      "spamhaus",
      "trace",
    ),
  ],
  // What puts the rooms together to an engine.
  "mta-image/src/engine": [
    "base",
    contract,
    "package.json",
    "@fastify/multipart",
    "fastify",
    "js-yaml",
    "prom-client",
    "zod",
    ...mta(...engineRooms, "smtp", "message", "script", "script-ports", "hooks"),
    "mta-image/src",
  ],
  // What people and other programs call besides smtpd.
  "mta-image/src/programs": [
    "base",
    contract,
    "js-yaml",
    "undici",
    "vscode-languageserver",
    "zod",
    ...mta(
      ...engineRooms,
      "smtp",
      "message",
      "script",
      "script-ports",
      "language-server",
      "hooks",
      "engine",
      "egress-proxy",
    ),
    "mta-image/src",
  ],
  // smtpd itself.
  "mta-image/src": ["base", contract, "package.json", ...mta("config", "engine", "net", "spamhaus")],

  "mta-image/web/shared": ["zod", contract],
  // Of the engine it knows how scripts are looked at, in a thread of its own.
  "mta-image/web/server": [
    "base",
    contract,
    ...mta("hooks"),
    "mta-image/web/shared",
    "package.json",
    "@fastify/cookie",
    "@fastify/helmet",
    "@fastify/rate-limit",
    "@fastify/static",
    "fastify",
    "js-yaml",
    "openid-client",
    "undici",
    "zod",
  ],
  "mta-image/web/pages": [
    contract,
    "mta-image/web/shared",
    "@tanstack/virtual-core",
    "diff",
    "postal-mime",
    "preact",
    "uplot",
  ],

  "operator/src/kube": ["base", "@kubernetes/client-node", "undici"],
  "operator/src/cache": ["base", ...operator("kube")],
  "operator/src/watch": ["base", ...operator("kube", "cache", "plugins")],
  "operator/src/spamhaus": ["base", "crds", contract, "js-yaml", ...operator("kube", "cache", "watch")],
  "operator/src/slots": ["crds", contract, ...operator("kube", "plugins")],
  "operator/src/plugins": ["base", "crds", contract, ...operator("kube")],
  "operator/src/desired": ["crds", contract, "js-yaml", ...operator("kube", "plugins", "slots", "spamhaus")],
  "operator/src/rollout": ["crds", contract, ...operator("kube", "desired", "plugins", "slots")],
  // Looks at scripts as the engine does, and makes no code of them.
  "operator/src/scripts": ["base", contract, ...mta("hooks", "script"), ...operator("desired")],
  "operator/src/scaling": ["base", "crds", contract, ...operator("slots")],
  "operator/src/engine": [
    "base",
    "crds",
    contract,
    "@peculiar/x509",
    "reflect-metadata",
    "undici",
    "zod",
    ...operator("cache", "desired", "kube", "slots"),
  ],
  "operator/src/kubectl-mailfleet": [
    "base",
    "crds",
    contract,
    "undici",
    "zod",
    ...operator("cache", "desired", "kube", "slots"),
  ],
  "operator/src/keda": ["base", "@grpc/grpc-js", "@grpc/proto-loader"],
  "operator/src/status": [
    "base",
    "crds",
    contract,
    ...operator("kube", "desired", "plugins", "rollout", "scaling", "slots", "spamhaus"),
  ],
  "operator/src/reconcile": [
    "base",
    "crds",
    contract,
    ...operator(...operatorRooms.filter((room) => room !== "reconcile")),
  ],
  "operator/src": [
    "base",
    "crds",
    contract,
    "package.json",
    "prom-client",
    ...operator(...operatorRooms, "kubectl-mailfleet"),
  ],

  helm: ["base", "e2e/peers", "tools"],
  tools: [
    contract,
    "reflect-metadata",
    "zod",
    "prom-client",
    ...mta("admin", "hooks", "programs", "spamhaus"),
    "mta-image/web/server",
    "base",
    "crds",
    "e2e",
    "e2e/cluster",
    "e2e/peers",
    "helm",
    "operator/src",
    "@cyclonedx/cyclonedx-library",
    "esbuild",
    "js-yaml",
    "mta-image/src/script",
    "vite",
  ],
  "e2e/peers": ["base", "nodemailer", "smtp-server", "zod"],
  "e2e/cluster": ["base", "crds", contract, "js-yaml", "tools", "e2e", "e2e/peers"],
  e2e: ["base", "crds", contract, "js-yaml", "zod", "tools", "helm", "e2e", "e2e/cluster", "e2e/peers"],
  "e2e/faults": ["base", "e2e/peers", ...operator("kube")],
  "e2e/soak": ["base", "zod", "e2e", "e2e/cluster", "e2e/peers", "e2e/faults"],
  "e2e/demo": [
    "base",
    "crds",
    contract,
    "js-yaml",
    "zod",
    "tools",
    "helm",
    "e2e",
    "e2e/cluster",
    "e2e/peers",
  ],
  "e2e/bench": [
    "e2e/faults",
    "base",
    "crds",
    contract,
    "js-yaml",
    "zod",
    "tools",
    "helm",
    "e2e",
    "e2e/cluster",
    "e2e/peers",
  ],
};

/** Node modules that only some rooms may import; `isIP` and its like are arithmetic and open to all. */
export const closedModules: Readonly<Record<string, readonly string[]>> = {
  "node:net": [
    "base",
    "mta-image/src/net",
    "mta-image/src/egress-proxy",
    "mta-image/src/session",
    "mta-image/src/delivery",
    "mta-image/src/dns",
    "mta-image/src/script",
    "mta-image/src/script-ports",
    "operator/src/kubectl-mailfleet",
    "e2e",
    "tools",
  ],
  "node:tls": [
    "base",
    "mta-image/src/net",
    "mta-image/src/config",
    "mta-image/src/admin",
    "mta-image/src/session",
    "mta-image/src/delivery",
    "mta-image/src/transfer",
    "mta-image/src/script",
    "mta-image/src/script-ports",
    "operator/src/engine",
    "operator/src/kube",
    "e2e",
  ],
  "node:dns": ["mta-image/src/dns", "mta-image/src/script-ports", "e2e"],
  "node:dns/promises": ["mta-image/src/dns", "mta-image/web/server", "e2e"],
  "node:child_process": ["operator/src/kubectl-mailfleet", "e2e", "tools"],
};

/** The row of the table for a file; null when it is a test or stands in a folder for tests. */
export function roomOf(path: string): string | null {
  if (isFree(path)) return null;
  const parts = path.split("/");
  const depth = /^(mta-image|operator)\/(src|web)\//.test(path)
    ? 3
    : /^(mta-image|operator|e2e)\//.test(path)
      ? 2
      : 1;
  if (parts.length > depth) return parts.slice(0, depth).join("/");
  return parts.slice(0, -1).join("/") || path;
}

export function isFree(path: string): boolean {
  return (
    path.endsWith(".test.ts") ||
    /(^|\/)(testing|testdata|bench)\//.test(path.replace(/^e2e\/bench\//, "")) ||
    path.startsWith("e2e/scenarios/")
  );
}
