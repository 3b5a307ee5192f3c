/**
 * The NativePlugin: where the file of a native plugin comes from. MailClusters of the same namespace refer to it
 * by name; a change of its source restarts their pods one at a time.
 */
import { z } from "zod";

import { conditionList } from "./conditions.ts";
import { withRules } from "./rules.ts";
import { label, namedList, objectName } from "./values.ts";

/** Path of a file below a folder: relative, and never upwards. */
const relativePath = withRules(z.string().min(1).max(512), [
  {
    cel: "!self.startsWith('/') && self.split('/').all(part, part != '..' && part != '.' && part != '')",
    message: "path must be relative and free of empty, '.' and '..' parts, e.g. lib/warmup.so",
    holds: (path) => path.split("/").every((part) => part !== "" && part !== "." && part !== ".."),
  },
]);

export const PluginSource = withRules(
  z.object({
    image: z
      .object({
        reference: z
          .string()
          .min(1)
          .max(512)
          .describe(
            "Image that holds the file. A tag is pinned to the digest that was checked where nodes tell it (status.checked.image).",
          ),
        path: relativePath.describe("Path of the shared object in the image."),
        pullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).default("IfNotPresent"),
      })
      .optional()
      .describe(
        "An OCI image, mounted as a volume, or copied at start where the cluster has no image volumes.",
      ),
    configMap: z
      .object({
        name: objectName,
        key: z.string().min(1).max(253).describe("Key in binaryData that holds the shared object."),
      })
      .optional()
      .describe("A ConfigMap, for plugins below 1 MiB."),
    persistentVolumeClaim: z
      .object({
        claimName: objectName.describe("A claim that all pods can mount for reading."),
        path: relativePath.describe("Path of the shared object in the volume."),
      })
      .optional()
      .describe("A volume that holds the file."),
  }),
  [
    {
      cel: "[has(self.image), has(self.configMap), has(self.persistentVolumeClaim)].filter(set, set).size() == 1",
      message: "spec.source needs exactly one of image, configMap and persistentVolumeClaim",
      holds: (source) => Object.values(source).filter((value) => value !== undefined).length === 1,
    },
  ],
);
export type PluginSource = z.output<typeof PluginSource>;

export const NativePluginSpec = z.object({
  id: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "must be letters, digits, dot, hyphen and underscore")
    .optional()
    .describe("Id of the plugin in the engine's configuration; metadata.name when absent."),
  source: PluginSource.describe("Where the file comes from."),
  check: z
    .enum(["Required", "Off"])
    .default("Required")
    .describe(
      "Required: before any cluster uses it, the file is opened in a pod of its own, which can reach nothing. Off: it is used as it is.",
    ),
});
export type NativePluginSpec = z.output<typeof NativePluginSpec>;

export const NativePluginStatus = z.object({
  observedGeneration: z.int().min(-1),
  conditions: conditionList,
  digest: z
    .string()
    .max(512)
    .optional()
    .describe("Digest of the image as the nodes resolved it, where they tell."),
  sha256: z.string().max(64).optional().describe("Digest of the file, when all pods hold the same one."),
  checked: z
    .object({
      generation: z.int().min(0).describe("Of the spec that was checked."),
      sha256: z.string().max(64).describe("Digest of the file."),
      abiVersion: z.int().optional().describe("Version of the plugin interface that it was built for."),
      roles: z.array(z.string().max(32)).max(8).describe("What it can do: script, queue, delivery, inject."),
      exported: z.array(z.string().max(256)).max(100).describe("Functions that it exports to the engine."),
      image: z
        .string()
        .max(640)
        .optional()
        .describe(
          "The image that was checked, by its digest: pods get this one, wherever the tag moves. Absent when it could not be pinned; the condition Checked says why, and pods use the reference as it is.",
        ),
    })
    .optional()
    .describe("What the check found."),
  recheck: z
    .string()
    .max(256)
    .optional()
    .describe("The value of the annotation mailfleet.io/recheck that the last check has answered."),
  crashes: z
    .array(
      z.object({
        cluster: z.string().max(253).describe("MailCluster that the pod belongs to."),
        revision: z.string().max(64).describe("Revision that the pod was made with."),
        pod: z.string().max(253),
        uid: z.string().max(64).describe("Of the pod: one of the same name that comes after it is another."),
        ends: z.int().min(1).describe("How often its engine has ended."),
        at: z.string().max(64).describe("When the last end was noted."),
        line: z.string().max(512).describe("What names the plugin."),
      }),
    )
    .max(20)
    .optional()
    .describe(
      "Pods whose engine it has ended within the last day; three ends in one revision of a cluster put it into quarantine.",
    ),
  functions: z
    .array(z.string().max(256))
    .max(500)
    .optional()
    .describe("What it gives to scripts, as the engines that run it say."),
  pods: z.int().min(0).optional().describe("Pods that run it."),
  clusters: namedList(z.object({ name: z.string().max(253) }), { key: "name", max: 500 }).describe(
    "MailClusters that refer to it.",
  ),
});
export type NativePluginStatus = z.infer<typeof NativePluginStatus>;

const maxPluginNameLength = 50;

export const NativePlugin = withRules(
  z.object({
    metadata: z.object({ name: z.string() }),
    spec: NativePluginSpec.describe("What is wanted."),
    status: NativePluginStatus.partial().optional().describe("What is; written by the operator."),
  }),
  [
    {
      cel: `self.metadata.name.size() <= ${maxPluginNameLength} && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')`,
      message: `metadata.name must hold only lower-case letters, digits and hyphens and be ${maxPluginNameLength} characters or fewer, because a volume is named after it`,
      holds: ({ metadata: { name } }) => label(maxPluginNameLength).safeParse(name).success,
    },
  ],
);
export type NativePlugin = z.output<typeof NativePlugin>;
