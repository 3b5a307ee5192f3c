/** Removes what the demo made: the whole cluster with everything in it. Harmless when nothing is there. */
import { closeCluster } from "../cluster/cluster.ts";
import { Progress } from "../progress.ts";

const progress = new Progress("demo");
await progress.step("cluster down", 15, () => closeCluster(progress.say));
