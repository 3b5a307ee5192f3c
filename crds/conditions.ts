/**
 * What conditions may say: types and reasons as closed lists, each with a sentence for the reference page.
 * Reasons are API: people's alerts match on them.
 */
import { z } from "zod";

import { namedList } from "./values.ts";

export const Condition = z.object({
  type: z.string().max(316),
  status: z.enum(["True", "False", "Unknown"]),
  observedGeneration: z.int().min(0).optional(),
  lastTransitionTime: z.iso.datetime().meta({ format: "date-time", pattern: undefined }),
  reason: z.string().min(1).max(1024),
  message: z.string().max(32_768),
});
export type Condition = z.infer<typeof Condition>;

export const conditionList = namedList(Condition, { key: "type", max: 16 });

export const mailClusterConditions = {
  Ready: {
    about: "All pods take mail and run the wanted revision.",
    reasons: {
      AllPodsReady: "Every wanted pod is ready.",
      NoPodsWanted: "spec.replicas is 0 and no pod is left.",
      PodsNotReady: "Some wanted pods are missing or not ready; the message says which and why.",
      ConfigBroken: "The configuration has problems and no revision has run yet.",
      Deleting: "The MailCluster is being deleted.",
    },
  },
  Reconciling: {
    about: "Work is under way to make the cluster what the spec says.",
    reasons: {
      Settled: "Nothing is left to do.",
      CreatingPods: "Pods or claims are missing and are being made.",
      WaitingForTurn:
        "A new version of the operator would make its pods anew; other clusters have their turn first (--max-upgrading-clusters).",
      ReplacingPods: "Pods are made anew one at a time for what only a restart can change.",
      ScalingDown: "Pods leave when their queues are empty.",
      ApplyingConfig: "A revision of the configuration is on its way to the pods.",
      WaitingForPods: "Pods exist but are not ready yet.",
      Deleting: "The deletion policy is being carried out.",
    },
  },
  Stalled: {
    about: "Nothing will move before somebody changes something.",
    reasons: {
      Moving: "Nothing is in the way.",
      ConfigBroken: "The configuration has problems; see ConfigApplied.",
      RolledBack: "The configuration was rolled back; see RolloutComplete.",
      PluginsMissing: "A plugin cannot be had; see PluginsReady.",
      Refused: "The API server refuses something that the cluster needs; the message has its words.",
      SpecBroken: "The spec breaks a rule of this version of the operator.",
    },
  },
  ConfigApplied: {
    about: "All pods run the configuration that the spec says.",
    reasons: {
      Applied: "Every pod that answers runs the target revision.",
      Pending: "Some pods do not run the target revision yet, or do not answer.",
      Invalid:
        "The configuration was refused before it reached a pod; the message has file, path and reason.",
      Refused: "An engine refused the revision; the message has file, path and reason.",
      RolledBack: "The revision did badly in the canary pods; see RolloutComplete.",
      PluginsMissing: "A plugin cannot be had, so the spec makes no revision; see PluginsReady.",
      SourceMissing: "The ConfigMap that holds the configuration is missing.",
    },
  },
  PluginsReady: {
    about: "Every plugin file is in place in every pod that answers.",
    reasons: {
      Present: "All plugin files are there.",
      NoPlugins: "The spec names no plugin.",
      NotFound: "There is no NativePlugin of that name in the namespace.",
      Invalid: "The NativePlugin breaks a rule of this version of the operator.",
      NotChecked: "A plugin is being checked; pods get it afterwards.",
      Refused: "A plugin did not pass its check; the message says why.",
      Quarantined: "A plugin brings engines down again and again; see the NativePlugin.",
      FileMissing: "A pod has no file at the plugin's path.",
      Pending: "Not every pod has said yet whether the files are there.",
    },
  },
  SpamhausHealthy: {
    about: "Lookups at Spamhaus tell what they should, with the key that is wanted.",
    reasons: {
      Healthy: "All pods ask with the key of the Secret and get answers.",
      Disabled: "spec.spamhaus is absent, so nothing is asked.",
      KeyChanging:
        "A new key, list or server is being tried out, or is on its way to the pods; the message says whether the key before must stay valid.",
      Pending: "Not every pod has said yet how its lookups do.",
      KeyMissing:
        "The Secret is missing or holds no key; the last good key stays in use, or nothing is asked.",
      KeyRefused: "Spamhaus does not accept the key: it is disabled, unknown or used elsewhere.",
      ListMissing: "The key does not include a list that spec.spamhaus.lists names.",
      OpenResolver: "Questions reach Spamhaus by a public resolver: set spamhaus.resolvers.",
      QuotaExceeded: "Spamhaus says that too many questions were asked with the key.",
      ZoneUnknown: "Spamhaus does not know the zone: see spamhaus.zone.",
      Unreachable:
        "Most questions get no answer: the name servers are away, or a network policy is in the way.",
      AnswersUnknown:
        "Answers are none of Spamhaus': something on the way rewrites them, for instance a captive resolver.",
    },
  },
  RolloutComplete: {
    about: "The revision that the spec makes was tried out and is in all pods.",
    reasons: {
      Complete: "All pods run it.",
      WaitingForTurn:
        "A new version of the operator changes it; other clusters have their turn first (--max-upgrading-clusters).",
      Canary: "A few pods run it and are watched.",
      Everywhere: "The canary pods did well; it is on its way to the others.",
      RolledBack:
        "The canary pods did badly and went back to the last good revision; it stays so until the spec changes.",
      Paused: "It stays where it is until the annotation mailfleet.io/rollout is removed.",
      Held: "The canary pods did badly; rollout.autoRollback is off, so they keep it and the others do not get it.",
      NoRevision: "The spec makes no revision that could be rolled out; see ConfigApplied.",
    },
  },
  ScalingActive: {
    about: "The number of pods follows the figures.",
    reasons: {
      Following: "All figures are known.",
      FiguresUnknown: "A pod does not tell its figures; unknown is never zero, so no pod leaves.",
      NotInternal: "The autoscaler is off: spec.replicas or the scale subresource says how many.",
      Suspended: "The cluster is paused, hibernated or being deleted.",
    },
  },
  SpoolsHealthy: {
    about: "Every volume is there, has room, and the size that the spec says.",
    reasons: {
      Healthy: "Nothing is wrong with the volumes.",
      Resizing: "Volumes are growing to spec.storage.size.",
      ResizeRefused: "The volumes cannot grow: their storage class does not allow it, or a quota is used up.",
      ClaimRefused: "The API server refuses a claim that is missing; the message has its words.",
      SpoolPressure: "A volume has less free space than twice config.startup.minFree.",
      SpoolFull:
        "A volume has less free space than config.startup.minFree; its engine answers 452 to new mail.",
      SpoolClosed: "A write or sync failed; the engine takes no mail until it starts anew.",
      VolumeLost: "A claim has lost its volume.",
    },
  },
  IdentitiesHeld: {
    about: "Every pod that is wanted holds an identity of its own.",
    reasons: {
      Held: "Every wanted pod has one.",
      NoIdentities: "spec.identities is empty: pods leave from whatever address they have.",
      Assigning: "Identities are being given to slots, or are not yet free again.",
      TooFew: "There are fewer identities than pods wanted; as many pods run as there are identities.",
    },
  },
  ClientIPVisible: {
    about:
      "Clients appear with addresses of their own, as limits for each client, relay networks, Spamhaus and SPF need it. Judged by the last 64 sessions of each engine that brought mail.",
    reasons: {
      Visible: "They do.",
      NodeAddresses:
        "At least half of the sessions come from addresses of nodes; it is over when fewer than a quarter do. The message says what to set.",
      FewAddresses:
        "All sessions come from one or two addresses, with a Service of type NodePort or LoadBalancer: a single client, or something in front that hides all of them.",
      FewSessions: "Fewer than 20 sessions have brought mail since the engines started.",
      NodesUnknown: "The operator may not read nodes, so it does not know their addresses.",
    },
  },
  WebAdminReady: {
    about:
      "The web administration can be reached by its pods' Service. Absent while webAdmin.enabled is false. Mail goes on without it, so Ready does not depend on it.",
    reasons: {
      Ready: "Every pod of it that is wanted runs the wanted version and is ready.",
      NoPodsWanted: "webAdmin.replicas is 0.",
      Progressing: "Its pods are being made, or are not ready yet.",
      NotReady:
        "No pod is ready any more, or pods cannot be made or have had their time; the message says which.",
      RouteNotServed:
        "webAdmin.httpRoute is set, and the API server serves the operator no HTTPRoutes; the route is made when it does.",
      RouteRefused: "A Gateway does not take the HTTPRoute; the message has its words.",
      OrdersUnguarded:
        "webAdmin.rolloutOrders is set, and the operator was told of no policy that holds the pages to orders; they run without the right to give any.",
      ImageUnknown: "Neither webAdmin.image nor the operator says which image to run.",
    },
  },
  Paused: {
    about: "The annotation mailfleet.io/paused keeps the operator from changing anything.",
    reasons: {
      Paused: "Nothing is changed until the annotation is removed.",
      NotPaused: "The operator acts.",
    },
  },
  Fenced: {
    about: "The annotation mailfleet.io/fenced takes slots out of service and keeps them as they are.",
    reasons: {
      Fenced: "The engines of the slots that it names take no session and try nothing.",
      Fencing: "An engine has not taken the order yet, or does not answer.",
      NotFenced: "It names no slot.",
      NoSuchSlot: "It names something that is no slot of this cluster; the message says what.",
    },
  },
  Hibernated: {
    about: "The annotation mailfleet.io/hibernate lets all pods leave.",
    reasons: {
      Hibernated: "No pod is left.",
      FallingAsleep: "Pods leave when their queues are empty.",
      Awake: "The cluster has the size that is wanted.",
    },
  },
  ScaleDownBlocked: {
    about: "A pod should leave and cannot.",
    reasons: {
      NotLeaving: "No pod is leaving.",
      Draining: "Leaving pods hand over or deliver what they have; nothing is in the way.",
      Overdue:
        "A leaving pod has not become empty within drain.deadlineSeconds; the message says what it waits for.",
      AnswerMissing:
        "A pod may have got mail of another and does not answer, so neither it nor the other may go.",
      ListAlone:
        "A leaving pod is empty, and what it has learned for the suppression list is on no other pod yet: a matter of seconds.",
      QueueUnknown: "A leaving pod does not say what is in its queue; unknown is not empty.",
      NodeLost:
        "The node of a slot does not answer; nobody else gets its volume until the node is known to be off.",
      Fenced: "A slot that should leave is fenced: it stays, with its mail, until the annotation changes.",
      NoPeerReady: "No pod that stays is ready, so the leaving one goes on taking mail.",
      PodNotRunning: "A leaving pod with a spool does not run, so its mail cannot be delivered.",
      ClaimLost:
        "The volume of a leaving slot is lost; set the annotation mailfleet.io/discard-mail on its claim.",
    },
  },
} as const;

export type MailClusterConditionType = keyof typeof mailClusterConditions;
export type ReasonOf<T extends MailClusterConditionType> =
  keyof (typeof mailClusterConditions)[T]["reasons"] & string;

export const nativePluginConditions = {
  Ready: {
    about: "The plugin file is in place wherever a cluster uses it.",
    reasons: {
      Present: "Every pod that uses it has the file, and all have the same one.",
      NotUsed: "No MailCluster refers to it.",
      Pending: "Not every pod has said yet whether the file is there.",
      FileMissing: "A pod has no file at the path.",
      DigestsDiffer: "Pods hold different files: the reference is not pinned, or a roll-out is under way.",
      NotChecked: "It has not passed its check; see Checked.",
      Quarantined: "It is in quarantine; see Quarantined.",
      Invalid: "The spec breaks a rule of this version of the operator.",
    },
  },
  Checked: {
    about: "The engine would load the file: it was opened in a pod of its own.",
    reasons: {
      Passed: "It fits this version of the engine.",
      Refused: "It does not; the message says why.",
      Pending: "The check is under way.",
      ImageUnusable: "The node cannot get the image; the message has its words. It is tried again.",
      NoEngineImage: "No engine's image is known to check it with.",
      Off: "spec.check is Off.",
    },
  },
  Quarantined: {
    about: "No further pod gets the plugin, because it brings engines down again and again.",
    reasons: {
      Healthy: "No engine has ended because of it in the last day.",
      Crashed: "It has ended engines, not often enough for quarantine; the message says which.",
      CrashLoop:
        "Engines of one revision of a cluster ended three times within a day and named the plugin, in one pod or in those that came after it; change the spec to lift it.",
      Lifted: "The annotation mailfleet.io/quarantine is off.",
    },
  },
  DeletionBlocked: {
    about: "It is being deleted and cannot go while clusters use it.",
    reasons: {
      NotDeleting: "It is not being deleted.",
      InUse: "MailClusters refer to it: take it out of their spec.plugins.",
    },
  },
} as const;
