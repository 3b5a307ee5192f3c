/**
 * The reference by which pods get the image that was checked (pure): by its digest, so that a tag that moves changes no
 * pod. Only what any node can pull is pinned. An image that was put onto a node by hand has no digest that containerd
 * could find it by: its id is the digest of its configuration, not of its manifest.
 */
import type { PluginSource } from "#crds/native-plugin.ts";

export type Pin =
  | { readonly image: string }
  /** "" when there is nothing to pin: no image is the source. */
  | { readonly image: null; readonly why: string };

/** `imageId` is what the node resolved the image to, "" when it does not tell. */
export function pinOf(image: PluginSource["image"], imageId: string): Pin {
  if (image === undefined) return { image: null, why: "" };
  const { reference, pullPolicy } = image;
  if (reference.includes("@sha256:")) return { image: reference };
  const written = withoutTag(reference);
  if (pullPolicy === "Never")
    return unpinned("its pullPolicy is Never, so no registry is asked for a digest");
  if (registryOf(written) === "localhost") return unpinned("localhost is no registry that nodes could ask");
  const [, resolved, digest] = /^(?:[a-z-]+:\/\/)?(.+)@(sha256:[0-9a-f]{64})$/.exec(imageId) ?? [];
  if (resolved === undefined || digest === undefined)
    return unpinned("the node told no digest of a registry for it");
  if (fullName(withoutTag(resolved)) !== fullName(written))
    return unpinned(`the node had it from ${resolved}`);
  return { image: `${written}@${digest}` };
}

function unpinned(why: string): Pin {
  return { image: null, why };
}

function withoutTag(reference: string): string {
  const colon = reference.lastIndexOf(":");
  return colon > reference.lastIndexOf("/") ? reference.slice(0, colon) : reference;
}

/** Names without a registry are those of Docker Hub, as in the distribution reference grammar; null there. */
function registryOf(name: string): string | null {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  return first === "localhost" || /[.:]/.test(first) ? first : null;
}

function fullName(name: string): string {
  if (registryOf(name) !== null) return name.replace(/^index\.docker\.io\//, "docker.io/");
  return name.includes("/") ? `docker.io/${name}` : `docker.io/library/${name}`;
}
