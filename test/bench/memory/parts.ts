import { significant } from '../statistics';
import { type ProcessMemory } from './process-memory';
import { type HeapReading, type ThreadName } from './reading';

/** Memory of the gateway, with garbage collected. */
export interface MemoryReading {
  readonly calls: number;
  readonly memory: ProcessMemory;
  readonly heaps: readonly HeapReading[];
}

/** Where memory is; together they are the resident set. */
export const PARTS = {
  'main heap': 'objects of the main thread: sessions, metadata, drachtio-srf',
  'SIP heap': 'objects of the SIP engine: legs, dialogs, transactions',
  'media heap': 'objects of the packet thread: legs, streams',
  'heap room': 'free places in pages of the heaps',
  'array buffers': 'bytes of messages and tables',
  rings: 'packets kept for the recorder, as far as they were written',
  native:
    'the rest of anonymous memory: objects of Node.js and V8 themselves, what malloc holds free, stacks',
  files: 'pages of the program and its libraries',
} as const;

export type Part = keyof typeof PARTS;

/** KiB of each part. */
export function partsOf({ memory, heaps }: MemoryReading): Readonly<Record<Part, number>> {
  const kib = (value: (heap: HeapReading) => number): number =>
    heaps.reduce((sum, heap) => sum + value(heap) / 1024, 0);
  const used = (thread: ThreadName): number =>
    kib(heap => (heap.thread === thread ? heap.usedBytes : 0));
  const physicalKiB = kib(({ physicalBytes }) => physicalBytes);
  const buffersKiB = kib(({ arrayBufferBytes }) => arrayBufferBytes);
  return {
    'main heap': used('main'),
    'SIP heap': used('sip'),
    'media heap': used('media'),
    'heap room': physicalKiB - kib(({ usedBytes }) => usedBytes),
    'array buffers': buffersKiB,
    rings: memory.ringKiB,
    native: memory.rssKiB - memory.fileKiB - memory.ringKiB - physicalKiB - buffersKiB,
    files: memory.fileKiB,
  };
}

export interface PartRow {
  readonly part: Part | 'all (RSS)';
  readonly what: string;
  readonly emptyMiB: number;
  readonly kibPerCall: number;
  /** While the SIP transactions of the set-up are still there. */
  readonly freshKiBPerCall: number;
}

/** Of a gateway without calls, with few, with many that are just set up, and with the same after a while. */
export interface MemoryReadings {
  readonly empty: MemoryReading;
  readonly few: MemoryReading;
  readonly fresh: MemoryReading;
  readonly many: MemoryReading;
}

/** What each further call takes, by part: the difference between few and many, so that what is there once is not in it. */
export function partRows({ empty, few, fresh, many }: MemoryReadings): PartRow[] {
  const [none, before, young, after] = [empty, few, fresh, many].map(partsOf);
  const calls = many.calls - few.calls;
  const row = (
    part: PartRow['part'],
    what: string,
    value: (parts: Readonly<Record<Part, number>>) => number,
  ): PartRow => {
    const of = (parts: Readonly<Record<Part, number>> | undefined): number =>
      parts === undefined ? NaN : value(parts);
    return {
      part,
      what,
      emptyMiB: significant(of(none) / 1024, 3),
      kibPerCall: significant((of(after) - of(before)) / calls, 3),
      freshKiBPerCall: significant((of(young) - of(before)) / calls, 3),
    };
  };
  const names = Object.keys(PARTS) as Part[];
  return [
    ...names.map(part => row(part, PARTS[part], parts => parts[part])),
    row('all (RSS)', '', parts => names.reduce((sum, part) => sum + parts[part], 0)),
  ];
}
