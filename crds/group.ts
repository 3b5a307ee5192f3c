/**
 * The names that Mailfleet puts on objects: API group, labels, annotations, finalizer. They are part of the API:
 * renaming one orphans what is out there.
 */

export const group = "mailfleet.io";
export const version = "v1alpha1";
export const apiVersion = `${group}/${version}`;

export const labels = {
  /** Name of the MailCluster that an object belongs to. */
  cluster: `${group}/cluster`,
  /** Name of the NativePlugin that a pod checks. */
  checkedPlugin: `${group}/checked-plugin`,
  /** Number of the slot of a pod or claim. */
  slot: `${group}/slot`,
} as const;

export const annotations = {
  /** On a pod: hash of everything in it that only a restart can change. */
  podHash: `${group}/pod-hash`,
  /** On a pod: a hash of each part of it that only a restart can change, so that a change can be named. */
  podParts: `${group}/pod-parts`,
  /** On a pod: revision of the configuration that it was made with. */
  revision: `${group}/revision`,
  /** On a pod: the file of the Spamhaus key that it should read next; its change makes the node look at once. */
  spamhausKey: `${group}/spamhaus-key`,
  /** On a claim, set by people: "true" gives up the mail in it, so that its slot may leave at once. */
  discardMail: `${group}/discard-mail`,
  /** On a claim whose slot sleeps: when the first message in it is due. */
  wakeAt: `${group}/wake-at`,
  /** On a claim: the node that its pod was put on last, so that nobody else gets the volume while that node is lost. */
  lastNode: `${group}/last-node`,
  /** On a claim: the identity that its slot holds; on a pod: the one that it was made with. */
  identity: `${group}/identity`,
  /** On a NativePlugin, set by people: any new text has its file checked again, and a tag resolved again. */
  recheck: `${group}/recheck`,
  /** On a NativePlugin, set by people: "off" lets pods have it although it brings engines down. */
  quarantine: `${group}/quarantine`,
  /**
   * On a MailCluster, set by people: any new text has every pod made anew, one at a time; on a pod: the text that it was made
   * with.
   */
  restart: `${group}/restart`,
  /** On a MailCluster, set by people: "true" leaves pods, claims and configuration as they are. */
  paused: `${group}/paused`,
  /**
   * On a MailCluster, set by people: "pause" keeps the roll-out of a revision where it is until the annotation goes;
   * "promote" and "rollback" end it either way, and are taken off when that is done.
   */
  rollout: `${group}/rollout`,
  /** On a MailCluster, set by people: "true" lets every pod leave when its queue is empty, whatever the size. */
  hibernate: `${group}/hibernate`,
  /** On a MailCluster, set by people: slots that leave first when the cluster shrinks, e.g. "2,5". */
  removeSlots: `${group}/remove-slots`,
  /**
   * On a MailCluster, set by people: slots whose engines take no session and try nothing, and that nobody touches, e.g.
   * "3,5", '["outbound-3"]' or "*".
   */
  fenced: `${group}/fenced`,
  /** On a MailCluster, set by people: what is not to keep pods from being made anew, e.g. "OtherPodsNotReady". */
  ignoreVetoes: `${group}/ignore-vetoes`,
  /** On a MailCluster, set by people: slots that are leaving and go at once with the mail in them, e.g. "3". */
  forceDeleteSlot: `${group}/force-delete-slot`,
} as const;

/** Holds a MailCluster until its deletion policy has been carried out. */
export const finalizer = `${group}/mail`;

/** Holds a NativePlugin while MailClusters refer to it. */
export const pluginFinalizer = `${group}/plugin-in-use`;
