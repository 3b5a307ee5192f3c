/** `main.ts up|down|status|shell|import ARCHIVE`: the test cluster from the command line (make cluster-up …). */
import { spawn } from "node:child_process";
import { symlink } from "node:fs/promises";

import { Progress } from "../progress.ts";
import { closeCluster, openCluster, ownCluster } from "./cluster.ts";
import { adminKubeconfig, bin, networkNamespace, state } from "./places.ts";
import { runningDaemons } from "./processes.ts";
import { isUp } from "./up.ts";

const [command, argument] = process.argv.slice(2);
const progress = new Progress("cluster");
process.exitCode = await main();

async function main(): Promise<number> {
  switch (command) {
    case "up":
      await progress.step("cluster up", 30, () => openCluster(progress.say));
      progress.say("next: make cluster-shell");
      return 0;
    case "down":
      await progress.step("cluster down", 10, () => closeCluster(progress.say));
      return 0;
    case "status":
      progress.say(
        `${(await isUp()) ? "up" : "not up"}; running: ${(await runningDaemons(state)).join(", ") || "nothing"}`,
      );
      return 0;
    case "shell":
      return shell();
    case "import":
      if (argument !== undefined) {
        await ownCluster.importImage(argument);
        return 0;
      }
      break;
    default:
  }
  process.stderr.write("usage: main.ts up | down | status | shell | import ARCHIVE\n");
  return 2;
}

/** kubectl under its own name, since kubelab is one program for all. */
async function shell(): Promise<number> {
  await symlink(`${bin}/kubelab`, `${bin}/kubectl`).catch(() => {});
  const program = process.env["SHELL"] ?? "/bin/bash";
  progress.say("kubectl and helm speak to the test cluster; leave with exit");
  const child = spawn("nsenter", [`--net=/run/netns/${networkNamespace}`, program], {
    stdio: "inherit",
    env: { ...process.env, PATH: `${bin}:${process.env["PATH"] ?? ""}`, KUBECONFIG: adminKubeconfig },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}
