import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { Failure } from "#base/error.ts";

import { flags, parseOptions, usage } from "./options.ts";
import { rbac } from "./rbac.ts";

describe("options", () => {
  test("stand in the README, each with its variable", () => {
    const page = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const named = [...page.matchAll(/^\| `--([a-z-]+)` \| `([A-Z_]+)` \|/gm)].map(([, flag, env]) => [
      flag,
      env,
    ]);
    assert.deepEqual(
      named,
      Object.entries(flags).map(([flag, { env }]) => [flag, env]),
    );
  });

  test("come from flag, then variable, then default", () => {
    const env = { WATCH_NAMESPACES: "a, b,,a", WORKERS: "8", POD_NAMESPACE: "mailfleet" };
    const options = parseOptions(["--workers", "2", "--leader-elect=false"], env);
    assert.deepEqual(options.watchNamespaces, ["a", "b"]);
    assert.equal(options.workers, 2);
    assert.equal(options.leaderElect, false);
    assert.equal(options.leaseNamespace, "mailfleet");
    assert.equal(options.leaseName, "mailfleet-operator");
    assert.equal(options.engineImage, null);
  });

  const bad: readonly (readonly [string[], RegExp])[] = [
    [["--workers", "0"], /--workers: "0" is not a whole number from 1 to 64/],
    [["--monitor-port", "99999"], /--monitor-port/],
    [["--max-upgrading-clusters", "20000"], /"20000" is not a whole number from 0 to 10000/],
    [["--leader-elect", "yes"], /--leader-elect: "yes" is none of true, false/],
    [["--image-volumes", "maybe"], /auto, on, off/],
    [["--orders-policy", "perhaps"], /--orders-policy: "perhaps" is none of true, false/],
    [["--watch-namespaces", "a,B c"], /"B c" is not a name/],
    [["--namespace-selector", "a=b", "--watch-namespaces", "a"], /give one of both/],
    [["--namespace-selector", "a=b&c"], /"a=b&c" is not a label selector/],
    [["--keda-address", "6000"], /--keda-address: "6000" is not an address with a port/],
    [["--keda-address", "[::]:99999"], /--keda-address/],
    [["--wokers", "2"], /wokers/],
  ];
  for (const [argv, message] of bad) {
    test(`${argv.join(" ")} is refused with a sentence`, () => {
      assert.throws(
        () => parseOptions(argv, {}),
        (error) =>
          error instanceof Failure && error.code === "options-invalid" && message.test(error.message),
      );
    });
  }

  test("the usage names every flag and its variable", () => {
    for (const [name, { env }] of Object.entries(flags)) {
      assert.match(usage(), new RegExp(`--${name} .*${env}`));
    }
  });
});

describe("the rights", () => {
  test("hold no wildcard", () => {
    for (const rule of Object.values(rbac).flat()) {
      for (const word of [...rule.apiGroups, ...rule.resources, ...rule.verbs])
        assert.ok(!word.includes("*"));
    }
  });
});
