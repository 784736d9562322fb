import { arena, IOVEC_BYTES, kernel, MMSGHDR, putPointer } from '../kernel';

const BATCH = 64;
const BUFFER_BYTES = 512;
const CONTROL_BYTES = 64;
const IOVECS_AT = BATCH * MMSGHDR.bytes;
const BUFFERS_AT = IOVECS_AT + BATCH * IOVEC_BYTES;
const CONTROLS_AT = BUFFERS_AT + BATCH * BUFFER_BYTES;
const RECEIVE_BYTES = CONTROLS_AT + BATCH * CONTROL_BYTES;
/** Behind the header of the one control message, SCM_TIMESTAMPNS. */
const TIMESPEC_AT = 16;
const MSG_DONTWAIT = 0x40;

/** Takes many datagrams of one socket by one system call. */
export class ReceiveBatch {
  readonly #memory = arena(RECEIVE_BYTES);
  readonly view = this.#memory.view;
  readonly bytes = this.#memory.bytes;

  constructor() {
    const { view, pointer } = this.#memory;
    for (let i = 0; i < BATCH; i++) {
      const header = i * MMSGHDR.bytes;
      const iovec = IOVECS_AT + i * IOVEC_BYTES;
      putPointer(view, header + MMSGHDR.iov, pointer + iovec);
      view.setUint32(header + MMSGHDR.iovLength, 1, true);
      putPointer(view, header + MMSGHDR.control, pointer + CONTROLS_AT + i * CONTROL_BYTES);
      view.setUint32(header + MMSGHDR.controlLength, CONTROL_BYTES, true);
      putPointer(view, iovec, pointer + BUFFERS_AT + i * BUFFER_BYTES);
      view.setUint32(iovec + 8, BUFFER_BYTES, true);
    }
  }

  /** @returns how many came; at most as many as fit. */
  receive(fd: number): number {
    const count = kernel().recvmmsg(fd, this.#memory.pointer, BATCH, MSG_DONTWAIT, 0);
    for (let i = 0; i < count; i++) {
      // The kernel wrote the length of this one's control message.
      const at = i * MMSGHDR.bytes + MMSGHDR.controlLength;
      this.view.setUint32(at, CONTROL_BYTES, true);
    }
    return Math.max(0, count);
  }

  /** Where a datagram lies in {@link bytes}. */
  placeOf(i: number): number {
    return BUFFERS_AT + i * BUFFER_BYTES;
  }

  /** When the kernel took it in, wall clock, µs since the epoch; only of sockets that have time stamps. */
  arrivalUs(i: number): number {
    const at = CONTROLS_AT + i * CONTROL_BYTES + TIMESPEC_AT;
    // The upper halves are zero until 2106, and always below a second.
    return this.view.getUint32(at, true) * 1e6 + this.view.getUint32(at + 8, true) / 1000;
  }
}
