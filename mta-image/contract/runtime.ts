/** What the image promises to whoever runs it: ports, paths, users, signals and exit codes. */

export const ports = {
  /** SMTP inside the pod; the Service maps 25 to it, so nobody needs a privileged port. */
  smtp: 2525,
  submission: 5587,
  monitor: 9090,
  admin: 8443,
} as const;

export const paths = {
  /** smtpd.yaml and smtpd-app.yaml of the revision that the pod was made with. */
  config: "/etc/halon",
  spool: "/var/spool/halon/queue",
  /** Configuration pushed later through the admin API; lives as long as the pod. */
  pushedConfig: "/run/mailfleet/config",
  adminToken: "/run/secrets/mailfleet/admin/token",
  tls: "/run/secrets/mailfleet/tls",
  /** Files with keys for Spamhaus. */
  spamhaus: "/run/secrets/mailfleet/spamhaus",
  plugins: "/opt/halon/plugins",
} as const;

/** The non-root user of both images. */
export const user = { uid: 65532, gid: 65532 } as const;

export const exitCodes = {
  ok: 0,
  /** Unexpected error, a bug. */
  crash: 1,
  /** The configuration has problems; each is on standard error. */
  badConfig: 64,
  /** A port, a file or a folder could not be had. */
  environment: 69,
  /** The spool is in use by another process, or closed itself after a failed write. */
  spool: 74,
} as const;
