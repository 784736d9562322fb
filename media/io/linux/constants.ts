/** Numbers of the Linux system call interface that are alike on x86-64 and arm64. */

export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

export const SOL_SOCKET = 1;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const IPPROTO_IP = 0;
export const IP_TOS = 1;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const IPV6_TCLASS = 67;

export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;

export const EPOLLIN = 1;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CLOEXEC = 0o2000000;
/** `struct epoll_event` is packed on x86-64 only. */
export const EPOLL_EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
export const EPOLL_DATA_AT = process.arch === 'x64' ? 4 : 8;

export const EFD_NONBLOCK = 0o4000;
export const EFD_CLOEXEC = 0o2000000;

export const PROT_READ_WRITE = 3;
/** MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE: pages cost nothing until they are written. */
export const MAP_LAZY = 0x02 | 0x20 | 0x4000;
/** MAP_32BIT, which x86-64 alone has: within the first 2 GiB, where an address is a small integer to V8. */
export const MAP_LOW = process.arch === 'x64' ? 0x40 : 0;

export const EAGAIN = 11;
export const EINTR = 4;
export const EMSGSIZE = 90;
export const ENOBUFS = 105;
export const ECONNREFUSED = 111;
export const EHOSTUNREACH = 113;
