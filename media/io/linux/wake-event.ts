import { EFD_CLOEXEC, EFD_NONBLOCK } from './constants';
import { errnoName, lastErrno, loadLibc } from './libc';

/** An eventfd: ends another thread's wait in epoll. */
export class WakeEvent {
  readonly fd: number;
  readonly #one = new Uint8Array(8).fill(1, 0, 1);
  #isOpen = true;

  /** @throws Error when the system has no descriptor left. */
  constructor() {
    this.fd = loadLibc().eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (this.fd < 0) {
      throw new Error(`eventfd failed: ${errnoName(lastErrno())}`);
    }
  }

  wake(): void {
    if (this.#isOpen) {
      loadLibc().write(this.fd, this.#one, 8);
    }
  }

  close(): void {
    if (this.#isOpen) {
      this.#isOpen = false;
      loadLibc().close(this.fd);
    }
  }
}

/** Closes the descriptors that a dead worker left noted in shared memory (each plus one; zero is none). */
export function closeLeftDescriptors(openFds: Int32Array): number {
  let closed = 0;
  openFds.forEach((entry, i) => {
    if (entry > 0) {
      openFds[i] = 0;
      loadLibc().close(entry - 1);
      closed++;
    }
  });
  return closed;
}
