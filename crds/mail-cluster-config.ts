/**
 * The part of the MailCluster that becomes the engine's files: smtpd-app.yaml, given here or in a ConfigMap,
 * smtpd-policy.yaml, smtpd-suspend.yaml, and the few keys of smtpd.yaml that are the user's to choose. What the
 * files may hold is the engine's to say: the operator asks its parser and tells the answer in ConfigApplied.
 */
import { z } from "zod";

import { withRules } from "./rules.ts";
import { freeObject, objectName, quantity } from "./values.ts";

const StartupSpec = z.object({
  hostname: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe("Name in greetings and EHLO; the pod's name when absent."),
  logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
  minFree: z
    .object({
      size: quantity.prefault("256Mi").describe("New mail is refused below this much free space."),
      inodes: z
        .int()
        .min(0)
        .max(2_147_483_647)
        .default(1000)
        .describe("New mail is refused below this many free inodes."),
    })
    .prefault({})
    .describe("Floors of the spool's volume."),
  ffiLibraries: z
    .array(
      z
        .string()
        .min(1)
        .max(255)
        .regex(/^[A-Za-z0-9_.+/-]+$/, "must be the name of a shared object, such as libm.so.6, or its path"),
    )
    .max(32)
    .optional()
    .describe(
      "C libraries whose functions scripts may call (class FFI), as scripts name them. A script that calls them wrongly ends the engine, or reads its memory: name none unless whoever writes scripts may do what the engine may. Absent: FFI is off.",
    ),
  shutdownSeconds: z
    .int()
    .min(1)
    .max(540)
    .default(30)
    .describe(
      "How long sessions and deliveries may take to end when a pod stops. Node drains rarely wait longer than 600 s.",
    ),
});

export const ConfigSpec = withRules(
  z.object({
    app: freeObject
      .optional()
      .describe(
        "smtpd-app.yaml. Servers that it does not mention are filled in, one for each listener. Reloaded without a restart.",
      ),
    appFrom: z
      .object({
        name: objectName.describe("Name of the ConfigMap."),
        key: z
          .string()
          .min(1)
          .max(253)
          .default("smtpd-app.yaml")
          .describe("Key in it whose text is the file."),
      })
      .optional()
      .describe("A ConfigMap that holds smtpd-app.yaml, in place of app."),
    policy: freeObject
      .optional()
      .describe(
        "smtpd-policy.yaml: how much may leave at once and in a time. Reloaded without a restart. Absent: no policies.",
      ),
    suspend: freeObject
      .optional()
      .describe(
        "smtpd-suspend.yaml: what is not to be tried for now. Reloaded without a restart. Absent: no suspensions.",
      ),
    startup: StartupSpec.prefault({}).describe(
      "Keys of smtpd.yaml; a change restarts the pods one at a time.",
    ),
  }),
  [
    {
      cel: "has(self.app) != has(self.appFrom)",
      message:
        "spec.config needs exactly one of app and appFrom: write the configuration under app, or name a ConfigMap in appFrom.name",
      holds: ({ app, appFrom }) => (app === undefined) !== (appFrom === undefined),
    },
  ],
);
