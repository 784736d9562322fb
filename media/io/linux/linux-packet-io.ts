import { performance } from 'node:perf_hooks';
import { MAX_PACKET_BYTES } from '../../rtp/header';
import {
  type IoMemory,
  memoryOf,
  type OpenSocketOptions,
  type OpenSocketResult,
  type PacketIo,
  type PacketSink,
  type PointerSend,
  SEND_FAILED,
  SEND_OK,
  SEND_REFUSED,
  SEND_TOO_LONG,
  SEND_WOULD_BLOCK,
  type SendResult,
  type SocketHandle,
} from '../packet-io';
import { AddressPool } from '../address-pool';
import { PeerAddress, SOCKADDR_BYTES } from '../peer-address';
import {
  AF_INET,
  AF_INET6,
  EAGAIN,
  ECONNREFUSED,
  EHOSTUNREACH,
  EINTR,
  EMSGSIZE,
  ENOBUFS,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_DATA_AT,
  EPOLL_EVENT_BYTES,
  EPOLLIN,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_TCLASS,
  IPV6_V6ONLY,
  MAP_LAZY,
  MAP_LOW,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_TRUNC,
  PROT_READ_WRITE,
  SO_RCVBUF,
  SO_SNDBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from './constants';
import { errnoName, lastErrno, type Libc, loadLibc, viewMemory } from './libc';
import { TokensByDescriptor } from './tokens-by-descriptor';

const MAX_EVENTS = 512;
/** The loop looks at its timers this often at least, ms. */
const MAX_WAIT_MS = 50;
const WAKE_TOKEN = -1;
const NAME_BYTES = 32;

/** In the received memory: the packet, its source's sockaddr, and that sockaddr's length. */
const PACKET_AT = 0;
const NAME_AT = PACKET_AT + MAX_PACKET_BYTES;
const NAME_LENGTH_AT = NAME_AT + NAME_BYTES;
const RECEIVE_BYTES = NAME_LENGTH_AT + 16;

export interface LinuxPacketIoOptions {
  /** An eventfd whose writing ends a wait. */
  readonly wakeFd: number;
  /**
   * Shared memory where open file descriptors are noted (plus one; zero is none), so that another thread can close
   * them should this one die: one entry per token, the epoll descriptor in the last.
   */
  readonly openFds: Int32Array;
}

/**
 * Packet I/O that runs to completion on system calls: `epoll_wait` → one `recvfrom` on each ready socket → the sink,
 * which sends from the very buffer that was received into.
 *
 * One datagram per socket and round: a phone's socket nearly always has one, for which recvmmsg costs half as much
 * again; what a burst leaves behind is reported by the next epoll_wait, and no socket starves others.
 */
export class LinuxPacketIo implements PacketIo {
  readonly received: IoMemory;
  readonly spare = { at: PACKET_AT, sourceAt: NAME_AT >> 2 };
  readonly #libc: Libc = loadLibc();
  readonly #wakeFd: number;
  readonly #openFds: Int32Array;
  readonly #epollFd: number;
  readonly #events = new Uint8Array(EPOLL_EVENT_BYTES * MAX_EVENTS);
  readonly #eventView = new DataView(this.#events.buffer);
  readonly #drain = new Uint8Array(8);
  readonly #tokens = new TokensByDescriptor();
  readonly #mappings: { pointer: number; length: number }[] = [];
  readonly #addresses = new AddressPool(bytes => this.allocate(bytes));

  constructor(options: LinuxPacketIoOptions) {
    this.#wakeFd = options.wakeFd;
    this.#openFds = options.openFds;
    this.#epollFd = this.#libc.epollCreate(EPOLL_CLOEXEC);
    if (this.#epollFd < 0) {
      throw new Error(`epoll_create1 failed: ${errnoName(lastErrno())}`);
    }
    this.#openFds[this.#openFds.length - 1] = this.#epollFd + 1;
    this.received = this.allocate(RECEIVE_BYTES);
    this.#watch(this.#wakeFd, WAKE_TOKEN);
  }

  allocate(bytes: number): IoMemory {
    const map = (flags: number): number => this.#libc.mmap(0, bytes, PROT_READ_WRITE, flags, -1, 0);
    // Each address that is handed to a system call would be an object of its own, were it no small integer.
    let pointer = map(MAP_LAZY | MAP_LOW);
    if (pointer <= 0) {
      pointer = map(MAP_LAZY);
    }
    if (pointer <= 0) {
      throw new Error(`mmap of ${bytes} bytes failed: ${errnoName(lastErrno())}`);
    }
    this.#mappings.push({ pointer, length: bytes });
    return memoryOf(viewMemory(pointer, bytes), 0, bytes, pointer);
  }

  createAddress(): PeerAddress {
    return this.#addresses.take();
  }

  releaseAddress(address: PeerAddress): void {
    this.#addresses.giveBack(address);
  }

  open(token: number, options: OpenSocketOptions, done: (result: OpenSocketResult) => void): void {
    const local = new PeerAddress();
    if (!local.set(options.host, options.port)) {
      done({ error: 'EINVAL' });
      return;
    }
    const isV6 = local.length !== 16;
    const domain = isV6 ? AF_INET6 : AF_INET;
    const fd = this.#libc.socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      done({ error: errnoName(lastErrno()) });
      return;
    }
    this.#openFds[token] = fd + 1;
    this.#tokens.set(fd, token);
    if (isV6) {
      this.#setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      this.#setOption(fd, IPPROTO_IPV6, IPV6_TCLASS, options.dscp << 2);
    } else {
      this.#setOption(fd, IPPROTO_IP, IP_TOS, options.dscp << 2);
    }
    this.#setOption(fd, SOL_SOCKET, SO_RCVBUF, options.bufferBytes);
    this.#setOption(fd, SOL_SOCKET, SO_SNDBUF, options.bufferBytes);
    if (this.#libc.bind(fd, local.toSockaddr(), local.length) < 0 || !this.#watch(fd, token)) {
      const error = errnoName(lastErrno());
      this.close(fd);
      done({ error });
      return;
    }
    done({ handle: fd });
  }

  connect(handle: SocketHandle, address: PeerAddress): void {
    this.#libc.connect(handle, address.pointer, address.length);
  }

  close(handle: SocketHandle): void {
    const token = this.#tokens.get(handle);
    if (token !== null) {
      this.#tokens.delete(handle);
      this.#openFds[token] = 0;
      this.#libc.close(handle);
    }
  }

  send(
    handle: SocketHandle,
    memory: IoMemory,
    at: number,
    length: number,
    destination: PeerAddress | null,
  ): SendResult {
    return destination === null
      ? this.sendFrom(handle, memory.pointer + at, length, 0, 0)
      : this.sendFrom(handle, memory.pointer + at, length, destination.pointer, destination.length);
  }

  // One plain sendto per datagram: for the one that a socket has per round it costs less than sendmmsg, which
  // copies a message header and an iovec more.
  readonly sendFrom: PointerSend = (handle, pointer, length, addressPointer, addressLength) => {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const sent = this.#libc.sendto(handle, pointer, length, flags, addressPointer, addressLength);
    return sent >= 0 ? SEND_OK : sendFailure(lastErrno());
  };

  run(sink: PacketSink, ended: () => void): void {
    let timeoutMs = 0;
    let running = true;
    while (running) {
      const count = this.#libc.epollWait(this.#epollFd, this.#events, MAX_EVENTS, timeoutMs);
      sink.nowMs = performance.now();
      // Control comes first, so that a command is in force for every packet that came after it was given.
      const isWoken = this.#isWoken(count);
      if (isWoken) {
        this.#libc.read(this.#wakeFd, this.#drain, 8);
        running = sink.onControl();
      }
      for (let i = 0; i < count && running; i++) {
        const at = i * EPOLL_EVENT_BYTES + EPOLL_DATA_AT;
        const fd = this.#eventView.getInt32(at, true);
        const token = this.#eventView.getInt32(at + 4, true);
        // Commands may have closed a socket of this round, and opened another one with its number.
        if (token !== WAKE_TOKEN && (!isWoken || this.#tokens.get(fd) === token)) {
          this.#receive(sink, token, fd);
        }
      }
      timeoutMs = Math.min(MAX_WAIT_MS, Math.max(0, Math.ceil(sink.onRoundEnd())));
    }
    this.#end();
    ended();
  }

  #isWoken(count: number): boolean {
    for (let i = 0; i < count; i++) {
      const tokenAt = i * EPOLL_EVENT_BYTES + EPOLL_DATA_AT + 4;
      if (this.#eventView.getInt32(tokenAt, true) === WAKE_TOKEN) {
        return true;
      }
    }
    return false;
  }

  #receive(sink: PacketSink, token: number, fd: number): void {
    const { words, pointer } = this.received;
    // The kernel wrote the length of the last source; the next one may be longer.
    words[NAME_LENGTH_AT >> 2] = SOCKADDR_BYTES;
    const length = this.#libc.recvfrom(
      fd,
      pointer + PACKET_AT,
      MAX_PACKET_BYTES,
      MSG_DONTWAIT | MSG_TRUNC,
      pointer + NAME_AT,
      pointer + NAME_LENGTH_AT,
    );
    if (length > MAX_PACKET_BYTES) {
      sink.onOversize(token);
    } else if (length >= 0) {
      sink.onPacket(token, PACKET_AT, length, NAME_AT >> 2);
    } else {
      const errno = lastErrno();
      if (errno !== EAGAIN && errno !== EINTR) {
        sink.onRefused(token);
      }
    }
  }

  #setOption(fd: number, level: number, option: number, value: number): void {
    // A refusal leaves the default in place, which works too.
    this.#libc.setsockopt(fd, level, option, Int32Array.of(value), 4);
  }

  #watch(fd: number, token: number): boolean {
    const event = new Uint8Array(EPOLL_EVENT_BYTES);
    const view = new DataView(event.buffer);
    view.setUint32(0, EPOLLIN, true);
    view.setInt32(EPOLL_DATA_AT, fd, true);
    view.setInt32(EPOLL_DATA_AT + 4, token, true);
    return this.#libc.epollCtl(this.#epollFd, EPOLL_CTL_ADD, fd, event) === 0;
  }

  #end(): void {
    this.#tokens.descriptors().forEach(fd => this.close(fd));
    this.#libc.close(this.#epollFd);
    this.#openFds[this.#openFds.length - 1] = 0;
    for (const { pointer, length } of this.#mappings) {
      this.#libc.munmap(pointer, length);
    }
  }
}

function sendFailure(errno: number): SendResult {
  switch (errno) {
    case EAGAIN:
    case ENOBUFS:
      return SEND_WOULD_BLOCK;
    case ECONNREFUSED:
    case EHOSTUNREACH:
      return SEND_REFUSED;
    case EMSGSIZE:
      return SEND_TOO_LONG;
    default:
      return SEND_FAILED;
  }
}
