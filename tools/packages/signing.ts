/**
 * Signs repositories and packages with a key of whoever publishes them, by gpg and rpm's own tools: the key and what unlocks it
 * stay with gpg (GNUPGHOME, its agent). Rejects with what the programs said, such as that there is no such secret key.
 */
import { writeFile } from "node:fs/promises";

import { run } from "../../e2e/peers/shell.ts";

export class Signer {
  /** As gpg takes it: a fingerprint, an id or an address. */
  readonly #key: string;

  constructor(key: string) {
    // gpg takes what begins with a dash for an option.
    if (!/^[\w.@+<>][\w.@+<> -]*$/.test(key)) throw new Error(`SIGN_KEY is no name of a key: ${key}`);
    this.#key = key;
  }

  /** apt's: the text within its signature, and the signature beside it. */
  async release(folder: string): Promise<void> {
    await this.#gpg("--clearsign", "--output", `${folder}/InRelease`, `${folder}/Release`);
    await this.#gpg("--armor", "--detach-sign", "--output", `${folder}/Release.gpg`, `${folder}/Release`);
  }

  /** A text within its signature, as helm's provenance is. */
  async clearly(text: string): Promise<string> {
    const how = ["--batch", "--local-user", this.#key, "--clearsign", "--output", "-"];
    return run("gpg", how, { input: text });
  }

  /** The text inside a binary OpenPGP message, as images are signed. */
  async within(text: string, path: string): Promise<void> {
    const how = ["--batch", "--yes", "--local-user", this.#key, "--sign", "--output", path];
    await run("gpg", how, { input: text });
  }

  /** dnf's, for the index of a repository (`repo_gpgcheck`). */
  async index(folder: string): Promise<void> {
    const path = `${folder}/repodata/repomd.xml`;
    await this.#gpg("--armor", "--detach-sign", "--output", `${path}.asc`, path);
  }

  /** Inside each (`gpgcheck`): to be done before they are indexed, since it changes them. */
  async rpms(paths: readonly string[]): Promise<void> {
    // Debian's rpm looks for a gpg2, which Debian has not.
    const defines = [`_gpg_name ${this.#key}`, "__gpg /usr/bin/gpg"].flatMap((text) => ["--define", text]);
    await run("rpmsign", [...defines, "--addsign", ...paths], { timeoutMs: 300_000 });
  }

  /** The public half, in text: apt takes it in `Signed-By`, rpm by `rpmkeys --import`. */
  async publish(path: string): Promise<void> {
    const text = await run("gpg", ["--batch", "--armor", "--export", this.#key]);
    if (text === "") throw new Error(`gpg has no key ${this.#key}`);
    await writeFile(path, `${text}\n`);
  }

  async #gpg(...args: readonly string[]): Promise<void> {
    await run("gpg", ["--batch", "--yes", "--local-user", this.#key, ...args]);
  }
}
