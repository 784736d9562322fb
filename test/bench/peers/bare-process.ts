/**
 * The bare relay: what any relay with fork must pay for on this machine. `epoll_wait`, then on each ready socket one
 * `recvmmsg`, one `sendmmsg` to the other leg and one to the recorder, straight from where the packets were received,
 * and nothing else: no latching, no rewriting, no RTCP, no counters, no ring, no errors.
 */
import {
  arena,
  IOVEC_BYTES,
  kernel,
  MMSGHDR,
  putPointer,
  SOCKADDR_BYTES,
  socketAddress,
  udpSocket,
} from '../kernel';
import { phoneAddress, recorderAddress } from '../traffic/plan';
import { type PeerMessage, type PeerOrder } from './peer';

const BATCH = 32;
const BUFFER_BYTES = 2048;
const NAMES_AT = BATCH * MMSGHDR.bytes;
const IOVECS_AT = NAMES_AT + BATCH * SOCKADDR_BYTES;
/** The same packets once more, as they are sent. */
const OUT_HEADERS_AT = IOVECS_AT + BATCH * IOVEC_BYTES;
const OUT_IOVECS_AT = OUT_HEADERS_AT + BATCH * MMSGHDR.bytes;
const BUFFERS_AT = OUT_IOVECS_AT + BATCH * IOVEC_BYTES;
const MAX_EVENTS = 512;
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
const EVENT_DATA_AT = process.arch === 'x64' ? 4 : 8;
const WAIT_MS = 50;
const MSG_DONTWAIT = 0x40;
/** The loop never gives way to messages, so it looks for the end of its parent between rounds. */
const LOOK_MS = 500;

function send(message: PeerMessage): void {
  process.send?.(message);
}

function run({ calls, host, portMin }: PeerOrder): void {
  const libc = kernel();
  const memory = arena(BUFFERS_AT + BATCH * BUFFER_BYTES);
  const { view, pointer } = memory;
  for (let i = 0; i < BATCH; i++) {
    for (const [headers, iovecs] of [
      [0, IOVECS_AT],
      [OUT_HEADERS_AT, OUT_IOVECS_AT],
    ] as const) {
      const header = headers + i * MMSGHDR.bytes;
      const iovec = iovecs + i * IOVEC_BYTES;
      view.setUint32(header + MMSGHDR.nameLength, SOCKADDR_BYTES, true);
      putPointer(view, header + MMSGHDR.iov, pointer + iovec);
      view.setUint32(header + MMSGHDR.iovLength, 1, true);
      putPointer(view, iovec, pointer + BUFFERS_AT + i * BUFFER_BYTES);
      view.setUint32(iovec + 8, BUFFER_BYTES, true);
    }
    putPointer(view, i * MMSGHDR.bytes, pointer + NAMES_AT + i * SOCKADDR_BYTES);
  }
  const legs = 2 * calls;
  const addresses = arena(2 * legs * SOCKADDR_BYTES);
  const fds = new Int32Array(legs);
  const epollFd = libc.epollCreate(0);
  const locals = Array.from({ length: legs }, (_, leg) => ({ host, port: portMin + 2 * leg }));
  locals.forEach(({ port }, leg) => {
    const fd = udpSocket(host, port, false);
    fds[leg] = fd;
    const event = new Uint8Array(EVENT_BYTES);
    const eventView = new DataView(event.buffer);
    eventView.setUint32(0, 1, true);
    eventView.setInt32(EVENT_DATA_AT, leg, true);
    libc.epollCtl(epollFd, 1, fd, event);
    const phone = phoneAddress(leg ^ 1, calls);
    const recorder = recorderAddress(leg, calls);
    const at = 2 * leg * SOCKADDR_BYTES;
    addresses.bytes.set(socketAddress(phone.host, phone.port), at);
    addresses.bytes.set(socketAddress(recorder.host, recorder.port), at + SOCKADDR_BYTES);
  });
  send({ kind: 'open', legs: locals, ringKiBPerCall: 0 });

  const events = new Uint8Array(EVENT_BYTES * MAX_EVENTS);
  const eventView = new DataView(events.buffer);
  const sendAll = (fd: number, count: number, address: number): void => {
    for (let k = 0; k < count; k++) {
      putPointer(view, OUT_HEADERS_AT + k * MMSGHDR.bytes, address);
    }
    libc.sendmmsg(fd, pointer + OUT_HEADERS_AT, count, MSG_DONTWAIT);
  };
  let lookAtMs = performance.now() + LOOK_MS;
  const round = (): void => {
    while (performance.now() < lookAtMs) {
      const ready = libc.epollWait(epollFd, events, MAX_EVENTS, WAIT_MS);
      for (let i = 0; i < ready; i++) {
        const leg = eventView.getInt32(i * EVENT_BYTES + EVENT_DATA_AT, true);
        const fd = fds[leg] ?? -1;
        const out = fds[leg ^ 1] ?? -1;
        const count = libc.recvmmsg(fd, pointer, BATCH, MSG_DONTWAIT, 0);
        for (let k = 0; k < count; k++) {
          const length = view.getUint32(k * MMSGHDR.bytes + MMSGHDR.messageLength, true);
          view.setUint32(OUT_IOVECS_AT + k * IOVEC_BYTES + 8, length, true);
        }
        const phone = addresses.pointer + 2 * leg * SOCKADDR_BYTES;
        sendAll(out, count, phone);
        sendAll(fd, count, phone + SOCKADDR_BYTES);
      }
    }
    lookAtMs = performance.now() + LOOK_MS;
    setImmediate(round);
  };
  setImmediate(round);
}

process.once('message', order => {
  kernel();
  send({ kind: 'empty' });
  process.once('message', () => run(order as PeerOrder));
});
process.once('disconnect', () => process.exit(0));
