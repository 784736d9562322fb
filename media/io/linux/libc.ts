import koffi from 'koffi';

/**
 * The system calls that packet I/O needs, through the C library. Pointers are plain numbers: user space addresses
 * stay below 2⁴⁷ on the supported machines, so that no BigInt is made per call. All return −1 on failure; the
 * reason is then in {@link lastErrno}.
 */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, addressPointer: number, length: number): number;
  setsockopt(fd: number, level: number, option: number, value: Int32Array, length: number): number;
  close(fd: number): number;
  read(fd: number, target: Uint8Array, length: number): number;
  write(fd: number, source: Uint8Array, length: number): number;
  eventfd(initial: number, flags: number): number;
  epollCreate(flags: number): number;
  epollCtl(epollFd: number, operation: number, fd: number, event: Uint8Array): number;
  epollWait(epollFd: number, events: Uint8Array, maxEvents: number, timeoutMs: number): number;
  recvfrom(
    fd: number,
    pointer: number,
    length: number,
    flags: number,
    addressPointer: number,
    addressLengthPointer: number,
  ): number;
  sendto(
    fd: number,
    pointer: number,
    length: number,
    flags: number,
    addressPointer: number,
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
  munmap(pointer: number, length: number): number;
}

/** Numbers of the calls that every packet needs. */
const SYSTEM_CALLS =
  process.arch === 'x64' ? { sendto: 44, recvfrom: 45 } : { sendto: 206, recvfrom: 207 };

type SystemCall = (
  number: number,
  fd: number,
  pointer: number,
  length: number,
  flags: number,
  addressPointer: number,
  last: number,
) => number;

let loaded: Libc | null = null;

/** Binds the C library that Node itself runs on. @throws when the platform has none of these calls. */
export function loadLibc(): Libc {
  loaded ??= bindLibc();
  return loaded;
}

function bindLibc(): Libc {
  // The running program itself: whichever C library (glibc, musl) it is linked with.
  const library = koffi.load(null);
  const bind = (definition: string): never => library.func(definition) as never;
  const call: SystemCall = bind('int syscall(long, int, int64, long, int, int64, int64)');
  return {
    socket: bind('int socket(int, int, int)'),
    bind: bind('int bind(int, void*, uint)'),
    connect: bind('int connect(int, int64, uint)'),
    setsockopt: bind('int setsockopt(int, int, int, void*, uint)'),
    close: bind('int close(int)'),
    read: bind('int read(int, void*, ulong)'),
    write: bind('int write(int, void*, ulong)'),
    eventfd: bind('int eventfd(uint, int)'),
    epollCreate: bind('int epoll_create1(int)'),
    epollCtl: bind('int epoll_ctl(int, int, int, void*)'),
    epollWait: bind('int epoll_wait(int, void*, int, int)'),
    // By their numbers: the C library's own functions are points where a thread can be cancelled, and take locks for
    // it twice per call. The length of a datagram fits an int: no conversion of a long for the result.
    recvfrom: (fd, pointer, length, flags, address, addressLength) =>
      call(SYSTEM_CALLS.recvfrom, fd, pointer, length, flags, address, addressLength),
    sendto: (fd, pointer, length, flags, address, addressLength) =>
      call(SYSTEM_CALLS.sendto, fd, pointer, length, flags, address, addressLength),
    mmap: bind('int64 mmap(int64, ulong, int, int, int, long)'),
    munmap: bind('int munmap(int64, ulong)'),
  };
}

/** errno of the last failed call of this thread. */
export function lastErrno(): number {
  return koffi.errno();
}

/** The name of an errno, such as `EADDRINUSE`. */
export function errnoName(errno: number): string {
  const codes: Readonly<Record<string, number>> = koffi.os.errno;
  return Object.keys(codes).find(name => codes[name] === errno) ?? `errno ${errno}`;
}

/** Sees memory of the C library as an ArrayBuffer. */
export function viewMemory(pointer: number, length: number): ArrayBuffer {
  return koffi.view(BigInt(pointer), length);
}
