/** YAML as values; reading is done by data/yaml.ts. */
import { decodeYaml } from "../data/yaml.ts";
import { Refusal } from "../error.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";

export const yamlFunctions: readonly HostFunction[] = [
  declare({
    name: "yaml_decode",
    parameters: [parameter.string("string"), optional(parameter.array("options"))],
    returns: "any or none",
    docs: "The value of a YAML text, none when it is wrong.",
    run: (_, text) => {
      try {
        return decodeYaml(text);
      } catch (error) {
        if (error instanceof Refusal) return null;
        throw error;
      }
    },
  }),
];
