/**
 * The thread that looks at a proposal, made for one and ended by lint.ts, which bounds its time and memory. Nothing else runs in
 * it, and the compiler is in no other part of this program.
 */
import { parentPort, workerData } from "node:worker_threads";

import { type Proposal, judgeProposal } from "./judge-proposal.ts";

parentPort?.postMessage(judgeProposal(workerData as Proposal));
