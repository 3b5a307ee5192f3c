import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { SpamhausSpec } from "#crds/mail-cluster-spamhaus.ts";

import { type SpamhausInput, decideSpamhaus } from "./decide.ts";
import { keyFileName, keyFileOf, probedPart, sectionOf } from "./section.ts";
import { wantedKey } from "./wanted-key.ts";

const spec = SpamhausSpec.parse({ keySecretRef: { name: "dqs" } });
const old = { file: "key-old", text: "oldoldold" };
const next = { file: "key-new", text: "newnewnew" };
const oldSection = sectionOf(spec, old.file);
const nextSection = sectionOf(spec, next.file);

/** Two pods that ask with the old key; the Secret holds the old one too. */
function input(changes: Partial<SpamhausInput> = {}): SpamhausInput {
  return {
    spec,
    wanted: { kind: "key", ...old },
    held: new Map([[old.file, old.text]]),
    before: oldSection,
    lastGood: oldSection,
    probe: null,
    inUse: [old.file, old.file],
    silent: 0,
    ...changes,
  };
}

const rotated = (changes: Partial<SpamhausInput> = {}): SpamhausInput =>
  input({ wanted: { kind: "key", ...next }, ...changes });

/** "key-old [key-new key-old] try key-new": what is configured, what lies in the pods, what is tried out. */
function inShort(facts: SpamhausInput): string {
  const { section, keys, candidate } = decideSpamhaus(facts);
  const trial = candidate === null ? "" : ` try ${keyFileOf(candidate)}`;
  return `${section === null ? "off" : keyFileOf(section)} [${[...keys.keys()].join(" ")}]${trial}`;
}

const probed = (section = nextSection, faults: { list: string; outcome: string }[] = []) => ({
  probe: { part: probedPart(section), faults, at: 0 },
});

describe("the key of a cluster", () => {
  it("stays as it is while nothing changes", () => {
    assert.equal(inShort(input()), "key-old [key-old]");
  });

  it("is taken untried where no pod could try it out and none is in use", () => {
    const fresh = { before: null, lastGood: null, held: new Map(), inUse: [] };
    assert.equal(inShort(rotated(fresh)), "key-new [key-new]");
  });

  it("is tried out first where pods run, even when nothing was asked before", () => {
    const running = { before: null, lastGood: null, held: new Map(), inUse: [null, null] };
    assert.equal(inShort(rotated(running)), "off [key-new] try key-new");
    assert.equal(inShort(rotated({ ...running, ...probed() })), "key-new [key-new]");
  });

  it("lies beside the old one until its trial, and both until every pod has changed over", () => {
    assert.equal(inShort(rotated()), "key-old [key-new key-old] try key-new");
    assert.equal(inShort(rotated(probed())), "key-new [key-new key-old]");
    const onItsWay = { held: new Map([...input().held, [next.file, next.text]]), before: nextSection };
    assert.equal(inShort(rotated(onItsWay)), "key-new [key-new key-old]");
    const lastOne = { ...onItsWay, lastGood: nextSection, inUse: [next.file, old.file] };
    assert.equal(inShort(rotated(lastOne)), "key-new [key-new key-old]");
    assert.equal(
      inShort(rotated({ ...lastOne, inUse: [next.file], silent: 1 })),
      "key-new [key-new key-old]",
    );
    assert.equal(inShort(rotated({ ...lastOne, inUse: [next.file, next.file] })), "key-new [key-new]");
  });

  it("that is refused in its trial changes nothing", () => {
    const faults = [{ list: "zen", outcome: "key-refused" }];
    const refused = rotated(probed(nextSection, faults));
    assert.equal(inShort(refused), "key-old [key-new key-old] try key-new");
    assert.deepEqual(decideSpamhaus(refused).faults, faults);
    assert.deepEqual(decideSpamhaus(rotated(probed(oldSection, faults))).faults, []);
  });

  it("stays the last good one while the Secret holds none", () => {
    const wanted = { kind: "unusable", why: 'there is no Secret "dqs"' } as const;
    assert.equal(inShort(input({ wanted })), "key-old [key-old]");
    assert.equal(decideSpamhaus(input({ wanted })).keyProblem, 'there is no Secret "dqs"');
    const never = { before: null, lastGood: null, held: new Map(), inUse: [null] };
    assert.equal(inShort(input({ wanted, ...never })), "off []");
  });

  it("stays readable after spec.spamhaus was removed, until no pod asks any more", () => {
    const off = { spec: undefined, wanted: { kind: "unusable", why: "" } } as const;
    assert.equal(inShort(input(off)), "off [key-old]");
    assert.equal(inShort(input({ ...off, before: null, lastGood: null, inUse: [null, null] })), "off []");
  });
});

describe("lists and servers", () => {
  it("are tried out before they are used, other settings are not", () => {
    const more = SpamhausSpec.parse({ ...spec, lists: ["zen", "hbl"] });
    const { section, candidate } = decideSpamhaus(input({ spec: more }));
    assert.deepEqual([section?.lists, candidate?.lists], [spec.lists, ["zen", "hbl"]]);
    const milder = SpamhausSpec.parse({ ...spec, actions: { hbl: "tag" } });
    assert.deepEqual(decideSpamhaus(input({ spec: milder })).section?.actions, { hbl: "tag" });
    assert.equal(decideSpamhaus(input({ spec: milder })).candidate, null);
  });
});

it("a part that no engine would take is not tried out: the configuration tells what is wrong", () => {
  const wrong = SpamhausSpec.parse({ ...spec, resolvers: ["nonsense"] });
  const choice = decideSpamhaus(rotated({ spec: wrong }));
  assert.equal(choice.candidate, null);
  assert.deepEqual(choice.section?.resolvers, ["nonsense"]);
  assert.ok(choice.keys.has(old.file));
});

describe("the Secret", () => {
  const secret = (data: Record<string, string>) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "dqs" },
    data: Object.fromEntries(
      Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
    ),
  });

  it("gives its key whatever blanks and case it is written in", () => {
    const wanted = wantedKey(spec, secret({ key: " ABCDEFGHIJ\n" }), "uid");
    assert.deepEqual(wanted, { kind: "key", file: keyFileName("uid", "abcdefghij"), text: "abcdefghij" });
  });

  it("that holds none says so without its value", () => {
    const why = (found: ReturnType<typeof secret> | null): string => {
      const wanted = wantedKey(spec, found, "uid");
      return wanted.kind === "unusable" ? wanted.why : "usable";
    };
    assert.equal(why(null), 'there is no Secret "dqs"');
    assert.equal(why(secret({ other: "abcdefghij" })), 'Secret "dqs" has no key "key"');
    assert.match(why(secret({ key: "abc.def.ghi" })), /^"key" in Secret "dqs" is no DQS key/);
    assert.equal(why(secret({ key: "abc.def.ghi" })).includes("abc"), false);
  });

  it("of another cluster with the same key gives the file another name", () => {
    assert.notEqual(keyFileName("uid-1", "abcdefghij"), keyFileName("uid-2", "abcdefghij"));
    assert.equal(keyFileName("uid-1", "abcdefghij").includes("abcdef"), false);
  });
});
