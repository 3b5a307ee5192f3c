/**
 * What each Linux package holds and says of itself, as data: deb.ts and rpm.ts make both forms of it. Files come from
 * mta-image/packages/<name>/root, from the bundles and from the native build.
 */
export interface PackagePlan {
  readonly name: string;
  readonly summary: string;
  /** Without machine code it fits every machine. */
  readonly isForAll: boolean;
  /** Bundles by name, into `home`. */
  readonly programs: readonly string[];
  readonly home: string;
  readonly hasPages: boolean;
  /** Path in this checkout to path in the package. */
  readonly files: Readonly<Record<string, string>>;
  /** Other packages of ours, in the same version. */
  readonly needs: readonly string[];
  readonly debDepends: readonly string[];
  readonly rpmRequires: readonly string[];
  readonly conflicts: readonly string[];
}

const account = { debDepends: ["passwd"], rpmRequires: ["shadow-utils"] } as const;
const nothing = { programs: [], home: "", hasPages: false, needs: [], conflicts: [] } as const;

export const packagePlans: readonly PackagePlan[] = [
  {
    ...nothing,
    name: "mailfleet-runtime",
    summary: "Node.js as Mailfleet's programs are tested with it",
    isForAll: false,
    files: { "node_modules/.bin/node": "usr/lib/mailfleet/bin/node" },
    debDepends: ["libc6", "libstdc++6", "libatomic1"],
    rpmRequires: ["libstdc++", "libatomic"],
  },
  {
    ...nothing,
    ...account,
    name: "mailfleet-mta",
    summary: "Mail transfer agent that runs Halon scripts and plugins",
    isForAll: false,
    programs: ["smtpd", "mtactl", "hsh", "hsl-lint", "hsl-format", "hsl-language-server"],
    home: "usr/lib/mailfleet/mta",
    files: {
      "build/native/plugin-host.node": "usr/lib/mailfleet/mta/plugin-host.node",
      "build/native/sockets.node": "usr/lib/mailfleet/mta/sockets.node",
    },
    // The unit reloads with kill.
    debDepends: [...account.debDepends, "procps"],
    rpmRequires: [...account.rpmRequires, "util-linux"],
    needs: ["mailfleet-runtime"],
    conflicts: ["opensmtpd"],
  },
  {
    ...nothing,
    ...account,
    name: "mailfleet-web",
    summary: "Web administration of a cluster of mail transfer agents",
    isForAll: true,
    programs: ["mailfleet-web", "mailfleet-web-lint"],
    home: "usr/lib/mailfleet/web",
    hasPages: true,
    files: {},
    needs: ["mailfleet-runtime"],
  },
  {
    ...nothing,
    name: "mailfleet-egress",
    summary: "Proxy on the machine that has the addresses mail leaves from",
    isForAll: true,
    programs: ["mailfleet-egress"],
    home: "usr/lib/mailfleet/egress",
    files: {},
    debDepends: [],
    rpmRequires: [],
    needs: ["mailfleet-runtime"],
  },
  {
    ...nothing,
    name: "mailfleet-plugin-sdk",
    summary: "C header for native plugins of the mail transfer agent",
    isForAll: true,
    files: {
      "mta-image/native/include/HalonMTA.h": "opt/halon/include/HalonMTA.h",
      "docs/plugin-abi.md": "usr/share/doc/mailfleet-plugin-sdk/plugin-abi.md",
    },
    debDepends: [],
    rpmRequires: [],
  },
];
