/**
 * What the API server is and serves: its version (image volumes depend on it) and whether a kind is there (the CRDs
 * may not be installed yet, monitoring kinds may never be). Failures are KubeFailures of the call.
 */
import { decodeAnswer, isMap } from "./decode.ts";
import { KubeFailure } from "./errors.ts";
import type { Resource } from "./kube.ts";
import { groupPath } from "./paths.ts";

export interface ServerVersion {
  readonly major: number;
  readonly minor: number;
  /** As the server calls itself: "v1.36.3". */
  readonly text: string;
}

/** The part of HttpKube that is needed. */
export interface RawReader {
  raw(path: string): Promise<{
    readonly status: number;
    readonly retryAfterSeconds: number | undefined;
    readonly text: string;
  }>;
}

export async function serverVersion(reader: RawReader): Promise<ServerVersion> {
  const value = decodeAnswer("get /version", await reader.raw("/version"));
  if (!isMap(value)) throw new KubeFailure("broken", "get /version: not an object");
  // Managed clusters write the minor version as "35+".
  const major = Number.parseInt(String(value["major"]), 10);
  const minor = Number.parseInt(String(value["minor"]), 10);
  if (Number.isNaN(major) || Number.isNaN(minor))
    throw new KubeFailure("broken", "get /version: no numbers in it");
  return { major, minor, text: String(value["gitVersion"]) };
}

export async function isServed(reader: RawReader, resource: Resource): Promise<boolean> {
  const path = groupPath(resource.apiVersion);
  const answer = await reader.raw(path);
  if (answer.status === 404) return false;
  const value = decodeAnswer(`get ${path}`, answer);
  const kinds = isMap(value) && Array.isArray(value["resources"]) ? value["resources"] : [];
  return kinds.some((kind: unknown) => isMap(kind) && kind["name"] === resource.plural);
}

/** KEP-4639: stable since 1.36; before that a gate may have been turned off. */
export function hasImageVolumes(version: ServerVersion): boolean {
  return version.major > 1 || (version.major === 1 && version.minor >= 36);
}
