/** Configuration in force, and what would become of a changed one. Nothing is written: whoever wants a change takes it to Git. */
import { load } from "js-yaml";

import { appFile } from "#contract/config.ts";
import { ConfigView } from "#contract/insight-api.ts";
import { ClusterConfig, ConfigProposal, ConfigVerdict } from "#web/shared/web-api.ts";

import type { Fleet } from "./fleet.ts";
import type { Lint } from "./lint.ts";
import { Refusal, type Route, route } from "./route.ts";
import { scriptsOf } from "./script-texts.ts";

const call = { method: "GET", path: "/v1/config", answer: ConfigView } as const;

export function configRoutes(fleet: Fleet, lint: Lint): readonly Route[] {
  return [config(fleet), check(fleet, lint)];
}

function config(fleet: Fleet): Route {
  return route({
    method: "GET",
    path: "/config",
    name: "config",
    summary: "Configuration in force by revision, with the engines that run it",
    role: "operator",
    answer: ClusterConfig,
    handle: async () => {
      const { answers, failures } = await fleet.ask(call);
      const byRevision = new Map<string, ClusterConfig["revisions"][number]>();
      for (const { engine, value } of answers) {
        const known = byRevision.get(value.revision);
        if (known !== undefined) known.engines.push(engine);
        else byRevision.set(value.revision, { ...value, engines: [engine], scripts: scriptsIn(value) });
      }
      return { revisions: [...byRevision.values()], failures };
    },
  });
}

function check(fleet: Fleet, lint: Lint): Route {
  return route({
    method: "POST",
    path: "/config/lint",
    name: "config.lint",
    summary:
      "What an engine would say to a changed configuration, and the change as a manifest; nothing is written",
    role: "operator",
    isAction: false,
    body: ConfigProposal,
    answer: ConfigVerdict,
    handle: async ({ body }) => {
      const { revision, files, scripts } = body;
      const { answers } = await fleet.ask(call);
      const before = answers.find(({ value }) => value.revision === revision)?.value.files;
      if (before === undefined)
        throw new Refusal(409, "changed", "no engine that answers runs this revision; load the page again");
      const unknown = Object.keys(files).find((name) => !Object.hasOwn(before, name));
      if (unknown !== undefined) throw new Refusal(400, "bad-request", `there is no file ${unknown}`);
      return lint.judge({ before, files, scripts });
    },
  });
}

/** None of a file that cannot be read: the file itself is there to be seen. */
function scriptsIn({ files }: ConfigView): Record<string, string> {
  try {
    return { ...scriptsOf(load(files[appFile] ?? "{}")) };
  } catch {
    return {};
  }
}
