/** `servers` of smtpd-app.yaml: what a reload may change about the servers that take mail. */
import { z } from "zod";

import { domain, duration, identifier, network, someSize, timeSpan } from "./config-values.ts";
import { withoutEffect } from "./halon-keys.ts";
import { Phase, recipientHook } from "./scripting-config.ts";

/** Loopback and the private ranges (RFC 1918, RFC 4193). */
const privateNetworks = [
  "127.0.0.0/8",
  "::1/128",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "fc00::/7",
];

export const AppServer = z.strictObject({
  id: identifier.describe("A server of smtpd.yaml."),
  transport: identifier.describe("Transport that mail of this server takes."),
  hostname: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe("Extension. Name in the greeting; environment.hostname when absent."),
  relaynetworks: z
    .array(network)
    .max(256)
    .default(privateNetworks)
    .describe(
      "Extension. Clients in these networks may send to any domain. Loopback and private ranges when absent.",
    ),
  proxynetworks: z
    .array(network)
    .max(256)
    .default(privateNetworks)
    .describe(
      "Extension. Proxies that may name the client where smtpd.yaml says proxyprotocol; all others are cut.",
    ),
  xclientnetworks: z
    .array(network)
    .max(256)
    .default([])
    .describe("Extension. Clients that may speak for others by XCLIENT; nobody when absent."),
  relaydomains: z
    .array(domain)
    .max(10_000)
    .default([])
    .describe("Extension. Domains that mail is taken for from anybody."),
  phases: z
    .strictObject({
      connect: z
        .strictObject({
          ...Phase.shape,
          greetdelay: duration
            .prefault("0s")
            .describe(
              "Extension. How long clients outside relaynetworks wait for the greeting; who speaks first is turned away.",
            ),
        })
        .prefault({})
        .describe("Before the greeting."),
      proxy: Phase.prefault({}).describe("Once the PROXY header is read."),
      helo: Phase.prefault({}).describe("HELO and EHLO."),
      auth: Phase.prefault({}).describe("AUTH."),
      mailfrom: Phase.prefault({}).describe("MAIL FROM."),
      rcptto: z
        .strictObject({
          hook: recipientHook,
          // More, each with the longest reply, would not fit into one record of the spool when it is moved.
          maxrecipients: z
            .int()
            .min(1)
            .max(10_000)
            .default(1000)
            .describe(
              "Recipients of one message; by SMTP those beyond are put off with 452, over HTTP the message is refused.",
            ),
        })
        .prefault({})
        .describe("Each RCPT TO."),
      data: z
        .strictObject({
          maxsize: someSize.prefault("50MiB").describe("Bytes of one message; offered as SIZE."),
          maxhops: z
            .int()
            .min(1)
            .max(1000)
            .default(100)
            .describe("Received fields that a message may carry; with more it is in a loop."),
          multipart: withoutEffect("servers[].phases.data.multipart", z.boolean()),
        })
        .prefault({})
        .describe("DATA and BDAT."),
      eod: Phase.prefault({}).describe("The end of the content."),
      disconnect: Phase.prefault({}).describe("The client is gone."),
    })
    .prefault({})
    .describe("Scripts and limits by phase of the conversation (docs/hooks.md)."),
  tls: z
    .strictObject({
      implicit: z.boolean().default(false).describe("TLS from the first byte."),
      certs: z
        .array(z.strictObject({ cert: identifier.describe("Name in pki.private.") }))
        .max(1)
        .default([])
        .describe("The certificate."),
      clientcerts: z
        .boolean()
        .default(false)
        .describe(
          "Clients are asked for a certificate. Those that have none, or an unknown one, are served all the same: scripts see it.",
        ),
    })
    .prefault({})
    .describe("Certificates; STARTTLS is offered when there is one."),
  http: z
    .strictObject({
      apikeyfile: z
        .string()
        .min(1)
        .describe("Path of the file of keys, one a line, that X-API-Key may show; read at each request."),
    })
    .optional()
    .describe("Extension. Of a server of type http alone; without it nobody may submit."),
  auth: z
    .strictObject({
      file: z
        .string()
        .min(1)
        .describe("Path of the file of logins and argon2id hashes, login:$argon2id$…; read again on reload."),
      required: z
        .boolean()
        .default(false)
        .describe("Nobody may send without AUTH, or a login that one of xclientnetworks names."),
    })
    .optional()
    .describe(
      "Extension. AUTH PLAIN and LOGIN, within TLS, so tls.certs must be there; who has authenticated may send to any domain.",
    ),
  timeout: z
    .strictObject({
      idle: timeSpan
        .prefault("5m")
        .describe("Silence after which a client is told goodbye (RFC 5321 4.5.3.2.7)."),
    })
    .prefault({})
    .describe("How long clients may take."),
  concurrency: z
    .strictObject({
      connections: z.int().min(1).default(10_000).describe("In all; those beyond get 421."),
      perip: z.int().min(1).default(1000).describe("Of one client address; those beyond get 421."),
    })
    .prefault({})
    .describe("Extension. Connections at once, in all and per client address."),
});
