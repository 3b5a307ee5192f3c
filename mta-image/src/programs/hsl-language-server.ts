/**
 * hsl-language-server: the language server for scripts, over standard input and output (Language Server Protocol 3.17).
 * Started by an editor, such as by tools/vscode; ends when the editor closes the connection.
 */
import {
  ProposedFeatures,
  StreamMessageReader,
  StreamMessageWriter,
  createConnection,
} from "vscode-languageserver/node";

import { serve } from "../language-server/server.ts";
import { declaredHost } from "./declared-host.ts";
import { folderLoader } from "../script-ports/folder-loader.ts";

serve(
  createConnection(
    ProposedFeatures.all,
    new StreamMessageReader(process.stdin),
    new StreamMessageWriter(process.stdout),
  ),
  await declaredHost({ ffi: true }),
  folderLoader,
);
