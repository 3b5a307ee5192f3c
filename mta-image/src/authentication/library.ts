/**
 * The library that signs and verifies, loaded when it is first needed: with what it brings it takes memory (35 MB from
 * source, 5 MB in a bundle) that an engine which does neither should not pay. Rejects only when the installation is
 * broken.
 */
export interface Library {
  readonly dkimSign: typeof import("mailauth/lib/dkim/sign.js").dkimSign;
  readonly dkimVerify: typeof import("mailauth/lib/dkim/verify.js").dkimVerify;
  readonly spf: typeof import("mailauth/lib/spf/index.js").spf;
  readonly evaluateDmarc: typeof import("mailauth/lib/dmarc/index.js").evaluateDmarc;
  readonly arc: typeof import("mailauth/lib/arc/index.js").arc;
  readonly createSeal: typeof import("mailauth/lib/arc/index.js").createSeal;
}

let loading: Promise<Library> | null = null;

export function library(): Promise<Library> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Library> {
  const [{ dkimSign }, { dkimVerify }, { spf }, { evaluateDmarc }, { arc, createSeal }] = await Promise.all([
    import("mailauth/lib/dkim/sign.js"),
    import("mailauth/lib/dkim/verify.js"),
    import("mailauth/lib/spf/index.js"),
    import("mailauth/lib/dmarc/index.js"),
    import("mailauth/lib/arc/index.js"),
  ]);
  return { dkimSign, dkimVerify, spf, evaluateDmarc, arc, createSeal };
}
