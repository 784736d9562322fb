/** The threads of the gateway: its main program, the embedded SIP engine, the packets. */
export type ThreadName = 'main' | 'sip' | 'media';

/** What one thread's JavaScript holds, after a full collection. */
export interface HeapReading {
  readonly thread: ThreadName;
  readonly usedBytes: number;
  /** Resident pages of the heap, free places in them included. */
  readonly physicalBytes: number;
  /** Memory outside the heap that objects of it own, array buffers among it. */
  readonly externalBytes: number;
  readonly arrayBufferBytes: number;
  /** V8's own, outside the heap. */
  readonly mallocedBytes: number;
}

export interface ProbeOrder {
  /** Where to write a heap snapshot of each thread, for a person to look at; absent: none. */
  readonly snapshotFolder?: string;
}

export type ProbeReply = { readonly heaps: readonly HeapReading[] } | { readonly error: string };
