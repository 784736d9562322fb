import { readFileSync } from 'node:fs';
import { type MediaCapacity } from '../ports';

/** Descriptors that the rest of the process needs: SIP, HTTP, files, the runtime. */
const RESERVED_DESCRIPTORS = 256;
/** A plain call has two legs; a recorded one has two recording streams more. Each has a pair of sockets. */
const PLAIN_PAIRS = 2;
const RECORDED_PAIRS = 4;

/** How many calls port pairs and file descriptors allow. Pure. */
export function computeCapacity(pairs: number, descriptorLimit: number): MediaCapacity {
  const descriptorPairs = Math.max(0, Math.floor((descriptorLimit - RESERVED_DESCRIPTORS) / 2));
  const usable = Math.min(pairs, descriptorPairs);
  return {
    plainCalls: Math.floor(usable / PLAIN_PAIRS),
    recordedCalls: Math.floor(usable / RECORDED_PAIRS),
    limitedBy: descriptorPairs < pairs ? 'file-descriptors' : 'ports',
  };
}

/** The process's limit of open files; Infinity where the system does not tell. */
export function openFileLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}
