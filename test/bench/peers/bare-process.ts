/**
 * The bare relay: what any relay with fork must pay for on this machine. The same system calls per packet as the
 * product's Linux backend (epoll_wait, recvmmsg, one sendto to the other leg, one sendto to the recorder) and nothing
 * else: no latching, no rewriting, no RTCP, no counters, no errors.
 */
import { arena, kernel, SOCKADDR_BYTES, socketAddress, udpSocket } from '../kernel';
import { phoneAddress, recorderAddress } from '../traffic/plan';
import { type PeerMessage, type PeerOrder } from './peer';

const BATCH = 32;
const HEADER_BYTES = 64;
const IOVEC_BYTES = 16;
const BUFFER_BYTES = 2048;
const NAMES_AT = BATCH * HEADER_BYTES;
const IOVECS_AT = NAMES_AT + BATCH * SOCKADDR_BYTES;
const BUFFERS_AT = IOVECS_AT + BATCH * IOVEC_BYTES;
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
  const put = (at: number, target: number): void =>
    memory.view.setBigUint64(at, BigInt(memory.pointer + target), true);
  for (let i = 0; i < BATCH; i++) {
    put(i * HEADER_BYTES, NAMES_AT + i * SOCKADDR_BYTES);
    memory.view.setUint32(i * HEADER_BYTES + 8, SOCKADDR_BYTES, true);
    put(i * HEADER_BYTES + 16, IOVECS_AT + i * IOVEC_BYTES);
    memory.view.setUint32(i * HEADER_BYTES + 24, 1, true);
    put(IOVECS_AT + i * IOVEC_BYTES, BUFFERS_AT + i * BUFFER_BYTES);
    memory.view.setUint32(IOVECS_AT + i * IOVEC_BYTES + 8, BUFFER_BYTES, true);
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
    const view = new DataView(event.buffer);
    view.setUint32(0, 1, true);
    view.setInt32(EVENT_DATA_AT, leg, true);
    libc.epollCtl(epollFd, 1, fd, event);
    const phone = phoneAddress(leg ^ 1);
    const recorder = recorderAddress(leg);
    const at = 2 * leg * SOCKADDR_BYTES;
    addresses.bytes.set(socketAddress(phone.host, phone.port), at);
    addresses.bytes.set(socketAddress(recorder.host, recorder.port), at + SOCKADDR_BYTES);
  });
  send({ kind: 'open', legs: locals, ringKiBPerCall: 0 });

  const events = new Uint8Array(EVENT_BYTES * MAX_EVENTS);
  const eventView = new DataView(events.buffer);
  const { view } = memory;
  let lookAtMs = performance.now() + LOOK_MS;
  const round = (): void => {
    while (performance.now() < lookAtMs) {
      const ready = libc.epollWait(epollFd, events, MAX_EVENTS, WAIT_MS);
      for (let i = 0; i < ready; i++) {
        const leg = eventView.getInt32(i * EVENT_BYTES + EVENT_DATA_AT, true);
        const fd = fds[leg] ?? -1;
        const out = fds[leg ^ 1] ?? -1;
        const count = libc.recvmmsg(fd, memory.pointer, BATCH, MSG_DONTWAIT, 0);
        const phone = addresses.pointer + 2 * leg * SOCKADDR_BYTES;
        for (let k = 0; k < count; k++) {
          const length = view.getUint32(k * HEADER_BYTES + 56, true);
          const packet = memory.pointer + BUFFERS_AT + k * BUFFER_BYTES;
          libc.sendto(out, packet, length, MSG_DONTWAIT, phone, SOCKADDR_BYTES);
          libc.sendto(fd, packet, length, MSG_DONTWAIT, phone + SOCKADDR_BYTES, SOCKADDR_BYTES);
        }
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
