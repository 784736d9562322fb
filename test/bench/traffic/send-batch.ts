import { arena, IOVEC_BYTES, kernel, MMSGHDR, putPointer, SOCKADDR_BYTES } from '../kernel';

const BATCH = 32;
const IOVECS_AT = BATCH * MMSGHDR.bytes;
const MSG_DONTWAIT = 0x40;

/** Datagrams of one socket to many places, sent by one system call. */
export class SendBatch {
  readonly #memory = arena(IOVECS_AT + BATCH * IOVEC_BYTES);
  #fd = -1;
  #count = 0;
  /** Datagrams that the kernel did not take. */
  unsent = 0;

  constructor() {
    const { view, pointer } = this.#memory;
    for (let i = 0; i < BATCH; i++) {
      const header = i * MMSGHDR.bytes;
      view.setUint32(header + MMSGHDR.nameLength, SOCKADDR_BYTES, true);
      putPointer(view, header + MMSGHDR.iov, pointer + IOVECS_AT + i * IOVEC_BYTES);
      view.setUint32(header + MMSGHDR.iovLength, 1, true);
    }
  }

  /** Adds one datagram; whatever was added for another socket leaves first. Its bytes stay until {@link flush}. */
  add(fd: number, pointer: number, length: number, addressPointer: number): void {
    if (fd !== this.#fd || this.#count === BATCH) {
      this.flush();
      this.#fd = fd;
    }
    const { view } = this.#memory;
    const iovec = IOVECS_AT + this.#count * IOVEC_BYTES;
    putPointer(view, this.#count * MMSGHDR.bytes + MMSGHDR.name, addressPointer);
    putPointer(view, iovec, pointer);
    view.setUint32(iovec + 8, length, true);
    this.#count++;
  }

  flush(): void {
    const { pointer } = this.#memory;
    let from = 0;
    while (from < this.#count) {
      const headers = pointer + from * MMSGHDR.bytes;
      const sent = kernel().sendmmsg(this.#fd, headers, this.#count - from, MSG_DONTWAIT);
      // The first one of those that are left was refused.
      this.unsent += sent <= 0 ? 1 : 0;
      from += Math.max(1, sent);
    }
    this.#count = 0;
  }
}
