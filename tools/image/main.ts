/** `make signed-images`: the images of this checkout under build/images, each signed with SIGN_KEY for REPOSITORY, with the version of package.json as tag. */
import { readFile } from "node:fs/promises";

import { buildImages } from "../images.ts";
import { Signer } from "../packages/signing.ts";
import { root } from "../tree.ts";
import { signImage } from "./sign.ts";

const { SIGN_KEY: key = "", REPOSITORY: repository = "" } = process.env;
if (key === "" || repository === "")
  throw new Error(
    "SIGN_KEY names the key, and REPOSITORY where images will be, such as registry.example/mail",
  );
const { version } = JSON.parse(await readFile(`${root}package.json`, "utf8")) as { version: string };
const say = (line: string): void => void process.stdout.write(`[images] ${line}\n`);
const signer = new Signer(key);
for (const { name, archive } of await buildImages(say)) {
  const short = name.replace(/^localhost\/|:.*$/g, "");
  const published = `${repository}/${short}:${version}`;
  const folder = `${root}build/images/${short}`;
  const digest = await signImage({ archive, name, published, folder }, signer);
  say(`skopeo copy dir:build/images/${short} docker://${published}   # ${digest}`);
}
await signer.publish(`${root}build/images/key.asc`);
