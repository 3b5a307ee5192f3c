import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { parseArguments } from "./arguments.ts";
import { fenceTo, nameToLeave, steer } from "./steer.ts";

const parse = (line: string) => parseArguments(line === "" ? [] : line.split(" "));
const refused = (line: string): string => {
  const { command } = parse(line);
  return command.kind === "wrong" ? command.message : `taken: ${command.kind}`;
};

describe("the command line", () => {
  test("hands on to kubectl where to look", () => {
    const { command, kubectlFlags } = parse("status out -n mail --context prod");
    assert.deepEqual(command, { kind: "status", name: "out" });
    assert.deepEqual(kubectlFlags, ["--namespace=mail", "--context=prod"]);
  });

  test("knows its commands", () => {
    const kinds = ["", "status", "drain out 2 5", "scale out 3", "pause out", "report out -o f", "queue out"];
    assert.deepEqual(
      kinds.map((line) => parse(line).command.kind),
      ["help", "list", "drain", "scale", "annotate", "report", "queue"],
    );
    assert.deepEqual(parse("drain out 2 5").command, { kind: "drain", name: "out", slots: [2, 5] });
  });

  test("refuses what it does not understand, in a sentence, and does nothing", () => {
    assert.match(refused("scale out many"), /number from 0 to 500/);
    assert.match(refused("drain out"), /numbers of slots/);
    assert.match(refused("fence out"), /or --all/);
    assert.match(refused("unfence out 2 --all"), /or --all/);
    assert.match(refused("fence out first"), /or --all/);
    assert.match(refused("status ../x"), /no name of a MailCluster/);
    assert.match(refused("explode out"), /no command "explode"/);
    assert.match(refused("status out --nonsense"), /nonsense/);
    assert.match(refused("send out --from a@b.net"), /--from and --to/);
    assert.match(refused("promote"), /name of a MailCluster is missing/);
  });

  test("lets nobody slip lines into a mail", () => {
    const { command } = parseArguments([
      "send",
      "out",
      "--from",
      "a@b.net>\r\nRCPT TO:<x@y.net",
      "--to",
      "c@d.net",
    ]);
    assert.equal(command.kind, "wrong");
    const subject = ["send", "out", "--from", "a@b.net", "--to", "c@d.net", "--subject", "a\r\nBcc: x@y.net"];
    assert.equal(parseArguments(subject).command.kind, "wrong");
  });
});

describe("steering", () => {
  const now = new Date("2026-11-27T06:00:00Z");

  test("asks for a restart by another word each time", () => {
    assert.deepEqual(parse("restart out").command, { kind: "annotate", name: "out", what: "restart" });
    assert.deepEqual(steer("out", "restart", now).slice(3), [
      "out",
      "mailfleet.io/restart=2026-11-27T06:00:00.000Z",
    ]);
  });

  test("is by annotations, and resume takes both pauses back", () => {
    assert.deepEqual(steer("out", "promote", now), [
      "annotate",
      "--overwrite",
      "mailcluster",
      "out",
      "mailfleet.io/rollout=promote",
    ]);
    assert.deepEqual(steer("out", "resume", now).slice(4), ["mailfleet.io/rollout-", "mailfleet.io/paused-"]);
    assert.equal(nameToLeave("out", [2, 5]).at(-1), "mailfleet.io/remove-slots=2,5");
  });

  test("fences one slot beside others, and takes one of all out", () => {
    const change = (line: string, text: string | undefined): string | undefined => {
      const { command } = parse(line);
      assert.ok(command.kind === "fence" || command.kind === "unfence");
      return fenceTo(command, { text, slots: [0, 1, 2] }).at(-1);
    };
    assert.equal(change("fence out 2", undefined), "mailfleet.io/fenced=2");
    assert.equal(change("fence out 0 2", '["out-1"]'), "mailfleet.io/fenced=0,1,2");
    assert.equal(change("fence out 0", "*"), "mailfleet.io/fenced=*");
    assert.equal(change("fence out --all", "1"), "mailfleet.io/fenced=*");
    assert.equal(change("unfence out 1", "*"), "mailfleet.io/fenced=0,2");
    assert.equal(change("unfence out 1", "1"), "mailfleet.io/fenced-");
    assert.equal(change("unfence out --all", "1,2"), "mailfleet.io/fenced-");
  });
});
