/** The error that Node makes of an errno, which is below 0 here. Pure. */
import { getSystemErrorName } from "node:util";

export function systemError(errno: number, syscall: string, address?: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno);
  const error = new Error(address === undefined ? `${syscall} ${code}` : `${syscall} ${code} ${address}`);
  return Object.assign(error, { code, errno, syscall, ...(address === undefined ? {} : { address }) });
}
