import { readdirSync, readFileSync } from 'node:fs';

import koffi from 'koffi';

/**
 * The system calls of the benchmarks. They are bound here a second time on purpose: the bare relay and the load
 * generator must not change when the product's own binding does. Linux only; pointers are numbers.
 */
export interface Kernel {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  close(fd: number): number;
  setsockopt(fd: number, level: number, option: number, value: Int32Array, length: number): number;
  getsockopt(
    fd: number,
    level: number,
    option: number,
    value: Int32Array,
    length: Int32Array,
  ): number;
  epollCreate(flags: number): number;
  epollCtl(epollFd: number, operation: number, fd: number, event: Uint8Array): number;
  epollWait(epollFd: number, events: Uint8Array, maxEvents: number, timeoutMs: number): number;
  recvmmsg(fd: number, headers: number, count: number, flags: number, timeout: number): number;
  sendmmsg(fd: number, headers: number, count: number, flags: number): number;
  sendto(
    fd: number,
    pointer: number,
    length: number,
    flags: number,
    address: number,
    addressLength: number,
  ): number;
  mmap(
    at: number,
    length: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
  ): number;
  usleep(microseconds: number): number;
  prctl(option: number, value: number): number;
  clockGettime(clock: number, timespec: BigInt64Array): number;
}

let loaded: Kernel | null = null;

/** @throws when the platform has none of these calls. */
export function kernel(): Kernel {
  loaded ??= load();
  return loaded;
}

function load(): Kernel {
  const library = koffi.load(null);
  const bind = (definition: string): never => library.func(definition) as never;
  return {
    socket: bind('int socket(int, int, int)'),
    bind: bind('int bind(int, void*, uint)'),
    close: bind('int close(int)'),
    setsockopt: bind('int setsockopt(int, int, int, void*, uint)'),
    getsockopt: bind('int getsockopt(int, int, int, void*, void*)'),
    epollCreate: bind('int epoll_create1(int)'),
    epollCtl: bind('int epoll_ctl(int, int, int, void*)'),
    epollWait: bind('int epoll_wait(int, void*, int, int)'),
    recvmmsg: bind('int recvmmsg(int, int64, uint, int, int64)'),
    sendmmsg: bind('int sendmmsg(int, int64, uint, int)'),
    sendto: bind('int sendto(int, int64, ulong, int, int64, uint)'),
    mmap: bind('int64 mmap(int64, ulong, int, int, int, long)'),
    usleep: bind('int usleep(uint)'),
    prctl: bind('int prctl(int, ulong)'),
    clockGettime: bind('int clock_gettime(int, void*)'),
  };
}

/** A stretch of zeroed memory with an address, for the life of the process. */
export interface Arena {
  readonly pointer: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;

export function arena(length: number): Arena {
  const pointer = kernel().mmap(0, length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (pointer <= 0) {
    throw new Error(`no memory: ${length} bytes`);
  }
  const buffer = koffi.view(BigInt(pointer), length);
  return { pointer, bytes: new Uint8Array(buffer), view: new DataView(buffer) };
}

export const SOCKADDR_BYTES = 16;

/** A `struct sockaddr_in`. */
export function socketAddress(host: string, port: number): Uint8Array {
  const address = Buffer.alloc(SOCKADDR_BYTES);
  address.writeUInt16LE(2, 0);
  address.writeUInt16BE(port, 2);
  Buffer.from(host.split('.').map(Number)).copy(address, 4);
  return address;
}

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_TIMESTAMPNS = 35;
const SO_MEMINFO = 55;
const MEMINFO_WORDS = 9;
const MEMINFO_DROPS = 8;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;
const BUFFER_BYTES = 1 << 20;

/** A bound UDP socket with 1 MiB of buffers. @throws naming the address when it is taken. */
export function udpSocket(host: string, port: number, isStamped: boolean): number {
  const libc = kernel();
  const fd = libc.socket(2, SOCK_DGRAM_NONBLOCK, 0);
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, Int32Array.of(BUFFER_BYTES), 4);
  libc.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, Int32Array.of(BUFFER_BYTES), 4);
  if (isStamped) {
    libc.setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, Int32Array.of(1), 4);
  }
  if (fd < 0 || libc.bind(fd, socketAddress(host, port), SOCKADDR_BYTES) < 0) {
    throw new Error(`cannot bind ${host}:${port}: errno ${koffi.errno()}`);
  }
  return fd;
}

/** Datagrams that the kernel dropped because the socket's buffer was full. */
export function socketDrops(fd: number): number {
  const words = new Int32Array(MEMINFO_WORDS);
  const length = Int32Array.of(4 * MEMINFO_WORDS);
  kernel().getsockopt(fd, SOL_SOCKET, SO_MEMINFO, words, length);
  return words[MEMINFO_DROPS] ?? 0;
}

const PR_SET_TIMERSLACK = 29;

/** Lets this thread's sleeps end within a microsecond of their time, not the fifty that Linux allows itself. */
export function sleepPrecisely(): void {
  kernel().prctl(PR_SET_TIMERSLACK, 1000);
}

/** The two halves of a pointer as the kernel reads it. */
export function putPointer(view: DataView, at: number, pointer: number): void {
  view.setUint32(at, pointer % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(pointer / 2 ** 32), true);
}

/** `struct mmsghdr` and `struct iovec` of 64-bit machines: offsets of their fields, and sizes. */
export const MMSGHDR = {
  name: 0,
  nameLength: 8,
  iov: 16,
  iovLength: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  messageLength: 56,
  bytes: 64,
} as const;
export const IOVEC_BYTES = 16;

const CLOCK_REALTIME = 0;
const CPUCLOCK_SCHED = 2;
const time = new BigInt64Array(2);

/** Wall clock, µs since the epoch; the clock of the kernel's packet time stamps. */
export function wallMicroseconds(): number {
  kernel().clockGettime(CLOCK_REALTIME, time);
  return Number(time[0] ?? 0n) * 1e6 + Number(time[1] ?? 0n) / 1e3;
}

/**
 * CPU time that a process has used, all its threads, user and system, µs: the exact sum behind `getrusage`, of any
 * process by its id (the CPU clock of a process, clock_getcpuclockid(3)).
 *
 * @throws when there is no such process.
 */
export function processCpuMicroseconds(pid: number): number {
  if (kernel().clockGettime((~pid << 3) | CPUCLOCK_SCHED, time) !== 0) {
    throw new Error(`process ${pid} is gone`);
  }
  return Number(time[0] ?? 0n) * 1e6 + Number(time[1] ?? 0n) / 1e3;
}

/** Resident memory of a process, KiB. */
export function processRssKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

/** Open file descriptors of a process. */
export function processHandles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
