/**
 * smtpd.yaml: what is read once at start. Halon's keys where Halon has them; those marked "Extension" are
 * ours. Unknown keys are refused, so a typing error is never silently ignored.
 */
import { z } from "zod";

import { duration, identifier, networkAddress, port, size } from "./config-values.ts";
import { anyMap, withoutEffect } from "./halon-keys.ts";

const Listener = z.strictObject({
  port: port.default(0).describe("TCP port; of no meaning for a UNIX socket."),
  address: z
    .union([
      networkAddress,
      z.string().regex(/^\/[^\0]{1,106}$/, "must be an IP address or an absolute path"),
    ])
    .default("0.0.0.0")
    .describe(
      'IP address to listen on, "::" for IPv6, or the path of a UNIX socket, whose clients may relay.',
    ),
  id: identifier.optional().describe("Name of the listener in the log."),
  backlog: z.int().min(1).max(65_535).default(4096).describe("Connections that the kernel keeps waiting."),
});

const Server = z.strictObject({
  id: identifier.describe("Name that smtpd-app.yaml refers to."),
  type: z
    .enum(["smtp", "http", "plugin"])
    .default("smtp")
    .describe(
      "Protocol of the server. http: docs/http-submission.md. Plugins inject mail through one of type plugin.",
    ),
  proxyprotocol: z
    .boolean()
    .default(false)
    .describe("Every connection begins with a PROXY header, version 1 or 2 (servers[].proxynetworks)."),
  threads: withoutEffect("servers[].threads", anyMap),
  listeners: z
    .array(Listener)
    .max(16)
    .default([])
    .describe("Where the server listens, at least one place; of type plugin, none."),
});

const PrivateKey = z.strictObject({
  id: identifier.describe("Name that servers[].tls.certs refers to."),
  cert: z.string().min(1).describe("Extension. Path of the certificate chain in PEM; read again on reload."),
  key: z.string().min(1).describe("Extension. Path of the private key in PEM; read again on reload."),
});

export const StartupConfig = z.strictObject({
  version: z.string().default("5.6").describe("Version of the format, for people: any is taken."),
  servers: z.array(Server).min(1).max(16).describe("Servers and their listeners."),
  environment: z
    .strictObject({
      appconf: z
        .string()
        .min(1)
        .default("smtpd-app.yaml")
        .describe("Path of the reloadable file; relative to this one."),
      policyconf: z
        .string()
        .min(1)
        .default("smtpd-policy.yaml")
        .describe("Path of the policies; relative to this one. It need not be there."),
      suspendconf: z
        .string()
        .min(1)
        .default("smtpd-suspend.yaml")
        .describe("Path of the suspensions; relative to this one. It need not be there."),
      hostname: z
        .string()
        .min(1)
        .max(255)
        .optional()
        .describe("Extension. Our name; the system's host name when absent."),
      loglevel: z
        .enum(["debug", "info", "warn", "error"])
        .default("info")
        .describe("Extension. Least level that is logged."),
      pluginspath: z
        .string()
        .regex(/^\/[^\0]*$/, "must be an absolute path")
        .default("/opt/halon/plugins")
        .describe("Folder of native plugins: ID.so, and autoload/smtpd/ with those that are loaded unasked."),
      umask: z
        .string()
        .regex(/^[0-7]{1,4}$/, 'must be octal digits in quotes such as "0027"')
        .optional()
        .describe(
          "What others may not do with files and sockets that are made; as it was started when absent.",
        ),
      rlimit: z
        .strictObject({
          nofile: z
            .int()
            .min(1)
            .optional()
            .describe(
              "The log says at start if fewer may be open. All that the system allows are used anyway.",
            ),
        })
        .optional()
        .describe("Limits of the process."),
      controlsocket: withoutEffect("environment.controlsocket", anyMap),
      licensekey: withoutEffect("environment.licensekey", z.string()),
      privdrop: withoutEffect("environment.privdrop", anyMap),
      syslog: withoutEffect("environment.syslog", anyMap),
      uuid: withoutEffect("environment.uuid", anyMap),
    })
    .prefault({})
    .describe("Surroundings of the process."),
  spool: z
    .strictObject({
      path: z.string().min(1).default("/var/spool/halon/queue").describe("Folder of the spool."),
      minfree: z
        .strictObject({
          bytes: size.prefault("256MiB").describe("New mail is refused below this much free space."),
          inodes: z.int().min(0).default(1000).describe("New mail is refused below this many free inodes."),
        })
        .prefault({})
        .describe("Floors of the spool's file system."),
    })
    .prefault({})
    .describe("Where queued mail is kept."),
  monitor: z
    .strictObject({
      listener: z
        .strictObject({
          port: port.default(9090).describe("TCP port."),
          address: networkAddress.default("0.0.0.0").describe("IP address to listen on."),
        })
        .prefault({})
        .describe("Where /metrics, /ready and /healthy are served."),
    })
    .prefault({})
    .describe("Metrics and health."),
  admin: z
    .strictObject({
      listener: z
        .strictObject({
          port: port.default(8443).describe("TCP port."),
          address: networkAddress
            .default("127.0.0.1")
            .describe("IP address to listen on; beyond this machine it should be with TLS."),
        })
        .prefault({})
        .describe("Where it is served."),
      tokenfile: z.string().min(1).optional().describe("Path of the file that holds the bearer token."),
      tls: z
        .strictObject({
          cert: z
            .string()
            .min(1)
            .describe("Path of the certificate chain in PEM; read again when it changes."),
          key: z.string().min(1).describe("Path of the private key in PEM."),
          clientca: z.string().min(1).optional().describe("Path of the authority's certificate in PEM."),
        })
        .optional()
        .describe(
          "Serve HTTPS; with clientca, a client certificate of that authority serves in place of the token.",
        ),
    })
    .optional()
    .describe("Extension. The admin API; absent means none."),
  pki: z
    .strictObject({ private: z.array(PrivateKey).max(64).default([]).describe("Certificates by name.") })
    .prefault({})
    .describe("Certificates and keys."),
  plugins: z
    .array(
      z.strictObject({
        id: identifier.describe("Name of the plugin."),
        path: z
          .string()
          .min(1)
          .optional()
          .describe("Path of the shared object; pluginspath/ID.so when absent."),
        config: z.record(z.string(), z.unknown()).optional().describe("Handed to the plugin at start."),
      }),
    )
    .max(64)
    .default([])
    .describe("Native plugins."),
  scripting: z
    .strictObject({
      rootpath: z
        .string()
        .regex(/^\/[^\0]*$/, "must be an absolute path")
        .optional()
        .describe(
          "Folder whose files scripts may import and read where the configuration has none of the name; none when absent. Scripts are compiled from it at start and at each reload.",
        ),
      ffi: z
        .boolean()
        .default(false)
        .describe("Scripts may call C functions (class FFI): they may then do whatever the process may."),
      ffilibraries: z
        .array(z.string().min(1).max(255))
        .min(1)
        .max(32)
        .optional()
        .describe(
          "Extension. The libraries that FFI() may open, as scripts name them; only functions of their own are given. Any when absent.",
        ),
    })
    .prefault({})
    .describe("What scripts are allowed."),
  shutdown: z
    .strictObject({
      timeout: duration.prefault("30s").describe("How long sessions and deliveries may take to end."),
    })
    .prefault({})
    .describe("Extension. What happens on SIGTERM."),
});
export type StartupConfig = z.infer<typeof StartupConfig>;
