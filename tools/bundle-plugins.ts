/**
 * What sets a bundle apart from its sources: files that stand beside it, and what is left out or read later so that a program
 * that runs for long holds less. Each throws when the source that it means no longer says what it looks for.
 */
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import type { Plugin } from "esbuild";

const ADDONS_IN_CHECKOUT = "../../../build/native/";

/** In an image the native addons stand beside the bundle. */
const addonsBesideBundle: Plugin = {
  name: "addons-beside-bundle",
  setup({ onLoad }) {
    onLoad({ filter: /mta-image\/src\/(?:plugins\/native|net\/socket-addon)\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      if (!source.includes(ADDONS_IN_CHECKOUT))
        throw new Error(`${path} no longer names ${ADDONS_IN_CHECKOUT}`);
      return { contents: source.replace(ADDONS_IN_CHECKOUT, "./"), loader: "ts" };
    });
  },
};

const PCRE = "mta-image/src/script/pcre/";
const PCRE_IN_CHECKOUT = "./generated/pcre.wasm";
export const PCRE_READER = `${PCRE}binary.ts`;
export const PCRE_BINARY = `${PCRE}generated/pcre.wasm`;
export const pcreBeside = (name: string) => `${name}-part-pcre.wasm`;

/** The regular expressions of scripts are a file that is read when one needs them: it stands beside each bundle that has scripts. */
const pcreBesideBundle = (name: string): Plugin => ({
  name: "pcre-beside-bundle",
  setup({ onLoad }) {
    onLoad({ filter: /mta-image\/src\/script\/pcre\/binary\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      if (!source.includes(PCRE_IN_CHECKOUT)) throw new Error(`${path} no longer names ${PCRE_IN_CHECKOUT}`);
      return { contents: source.replace(PCRE_IN_CHECKOUT, `./${pcreBeside(name)}`), loader: "ts" };
    });
  },
});

const REQUIRE_IN_CHECKOUT = "const require = createRequire(import.meta.url);";

/** A bundle's own `require` packs what it names, and runs it with its first call. */
const lateScriptPackages: Plugin = {
  name: "late-script-packages",
  setup({ onLoad }) {
    onLoad({ filter: /mta-image\/src\/script\/late-packages\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      if (!source.includes(REQUIRE_IN_CHECKOUT)) throw new Error(`${path} no longer makes its require`);
      return { contents: source.replace(REQUIRE_IN_CHECKOUT, ""), loader: "ts" };
    });
  },
};

/**
 * To `import` a module of Node's own is to ask for all that it has, also what it would only read on demand: with node:http
 * come WebSockets and all of `fetch`. A bundle takes the names that it uses, which makes an idle engine 3 MB smaller.
 */
const onlyUsedBuiltins: Plugin = {
  name: "only-used-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:node:)?[a-z_\d]+(?:\/[a-z]+)?$/ }, ({ path, kind }) =>
      kind === "import-statement" && isBuiltin(path)
        ? { path: `node:${path.replace(/^node:/, "")}`, namespace: "builtin", sideEffects: false }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: "builtin" }, async ({ path }) => {
      const names = Object.keys((await import(path)) as object).filter((name) => name !== "default");
      const lines = names.map((name) => `export const ${name} = /* @__PURE__ */ (() => all.${name})();`);
      const all = `const all = /* @__PURE__ */ process.getBuiltinModule("${path}");\nexport default all;`;
      return { contents: [all, ...lines].join("\n") };
    });
  },
};

/** Zod brings its messages in fifty languages; ours are English, and the others cost every process memory. */
const englishOnly: Plugin = {
  name: "english-only",
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
      loader: "js",
    }));
  },
};

/**
 * A package in CommonJS form that is loaded with its first use would have nothing but a default in its file: which names it
 * has is only known when it runs. So it runs here once, and the file says them.
 */
const latePackages: Plugin = {
  name: "late-packages",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[@a-z]/ }, ({ path, kind, resolveDir }) =>
      kind === "dynamic-import" && !path.startsWith("node:")
        ? { path, namespace: "late", pluginData: { resolveDir } }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: "late" }, async ({ path, pluginData }) => {
      // A package for certificates runs only after it.
      await import("reflect-metadata");
      const loaded = (await import(path)) as object;
      const names = Object.keys(loaded).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name));
      const from = JSON.stringify(path);
      const { resolveDir } = pluginData as { readonly resolveDir: string };
      const contents =
        names.length === 0 ? `import ${from};` : `export { ${names.join(", ")} } from ${from};`;
      return { contents, resolveDir };
    });
  },
};

export const pluginsFor = (name: string): Plugin[] => [
  addonsBesideBundle,
  pcreBesideBundle(name),
  lateScriptPackages,
  onlyUsedBuiltins,
  englishOnly,
  latePackages,
];
