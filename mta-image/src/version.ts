/** The version of this build: package.json's in a checkout; the bundler puts the same text in. */
import manifest from "../../package.json" with { type: "json" };

export const version: string = manifest.version;
