/**
 * The extension's entry point, called by VS Code: starts the language server that the setting `hsl.server` names and leaves
 * everything to it. When the program is not there VS Code says so, and highlighting goes on without it.
 */
const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async () => {
  const command = workspace.getConfiguration("hsl").get("server", "hsl-language-server");
  client = new LanguageClient("hsl", "HSL", { command }, { documentSelector: [{ language: "hsl" }] });
  await client.start();
};

exports.deactivate = () => client?.stop();
