import { AF_INET, EPOLL_CLOEXEC, SOCK_CLOEXEC, SOCK_DGRAM } from './constants';
import { errnoName, lastErrno, type Libc, loadLibc } from './libc';

/**
 * Whether Linux packet I/O can work on this machine.
 *
 * @returns null when it can, otherwise why not.
 */
export function whyNoLinuxIo(): string | null {
  if (process.platform !== 'linux') {
    return `the platform is ${process.platform}`;
  }
  // The layout of the structures is that of 64-bit little-endian machines.
  if (process.arch !== 'x64' && process.arch !== 'arm64') {
    return `the architecture is ${process.arch}`;
  }
  try {
    return tryCalls(loadLibc());
  } catch (error) {
    return `the C library cannot be bound: ${String(error)}`;
  }
}

function tryCalls(libc: Libc): string | null {
  for (const open of [
    () => libc.epollCreate(EPOLL_CLOEXEC),
    () => libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
  ]) {
    const fd = open();
    if (fd < 0) {
      return `a system call is refused: ${errnoName(lastErrno())}`;
    }
    libc.close(fd);
  }
  return null;
}
