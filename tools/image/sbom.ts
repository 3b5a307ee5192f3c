/**
 * What an image is made of, as a CycloneDX 1.6 document (ECMA-424): Node, the npm packages that esbuild found in its
 * programs, and the Debian packages under it. It stands in the image as `/opt/mailfleet/sbom.cdx.json`; the same input
 * gives the same bytes. The Debian packages also stand under `/var/lib/dpkg/status.d/`, where scanners look.
 */
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";

import { run } from "../../e2e/peers/shell.ts";

export interface Part {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression, or what the package says of itself; missing where it stands in a file of its own. */
  readonly license?: string;
}

export interface Contents {
  readonly image: string;
  readonly version: string;
  readonly node: string;
  readonly npm: readonly Part[];
  readonly debian: readonly Part[];
}

const { ComponentType } = Enums;

export function sbomOf({ image, version, node, npm, debian }: Contents): string {
  const bom = new Models.Bom();
  bom.metadata.component = new Models.Component(ComponentType.Container, image, { version, bomRef: image });
  const runtime = component({ name: "node", version: node, license: "MIT" }, `pkg:generic/node@${node}`);
  const all = [runtime, ...npm.map(ofNpm), ...debian.map(ofDebian)];
  for (const part of all) bom.components.add(part);
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return `${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 1 })}\n`;
}

function ofNpm(part: Part): Models.Component {
  const name = part.name.split("/").map(encodeURIComponent).join("/");
  return component(part, `pkg:npm/${name}@${encodeURIComponent(part.version)}`);
}

function ofDebian(part: Part): Models.Component {
  return component(part, `pkg:deb/debian/${part.name}@${encodeURIComponent(part.version)}`);
}

function component({ name, version, license }: Part, purl: string): Models.Component {
  const licenses = new Models.LicenseRepository(license === undefined ? [] : [licenseOf(license)]);
  return new Models.Component(ComponentType.Library, name, { version, purl, bomRef: purl, licenses });
}

/** What is no expression of SPDX names would make the document invalid; then it is a name. */
function licenseOf(text: string): Models.License {
  return /^[\w.+-]+(?: (?:AND|OR|WITH) [\w.+-]+)*$/.test(text.replace(/[()]/g, ""))
    ? new Models.LicenseExpression(text)
    : new Models.NamedLicense(text);
}

const FIELDS = /^(Package|Version): (.*)$/gm;

/** Those that `base.ts` has noted in the archive. Throws with what tar said, or when none is noted. */
export async function debianPackages(base: string): Promise<readonly Part[]> {
  const noted = await run("tar", ["-xOf", base, "--wildcards", "./var/lib/dpkg/status.d/*"]);
  const values = [...noted.matchAll(FIELDS)].map(([, field, value]) => ({ field, value: value ?? "" }));
  const names = values.filter(({ field }) => field === "Package");
  const versions = values.filter(({ field }) => field === "Version");
  if (names.length === 0 || names.length !== versions.length)
    throw new Error(`${base} does not say which Debian packages it holds; delete it, and it is made anew`);
  return names.map(({ value }, index) => ({ name: value, version: versions[index]?.value ?? "" }));
}
