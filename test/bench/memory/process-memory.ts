import { readFileSync } from 'node:fs';

/** Resident pages of a process by what they are of, KiB. */
export interface ProcessMemory {
  readonly rssKiB: number;
  /** Pages of the program and its libraries. */
  readonly fileKiB: number;
  /** Anonymous mappings so large that only the rings of the media plane have them. */
  readonly ringKiB: number;
}

/** The media plane asks for rings in pieces of about 64 MiB; heaps grow in far smaller ones. */
const RING_MAPPING_KIB = 60 * 1024;

const HEADER = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+\s*(.*)$/;

/** Reads a `/proc/…/smaps`. */
export function parseMappings(smaps: string): ProcessMemory {
  let rssKiB = 0;
  let fileKiB = 0;
  let ringKiB = 0;
  let isFile = false;
  let isRing = false;
  for (const line of smaps.split('\n')) {
    const header = HEADER.exec(line);
    if (header !== null) {
      const [, start = '', end = '', rights = '', name = ''] = header;
      const sizeKiB = (parseInt(end, 16) - parseInt(start, 16)) / 1024;
      isFile = name.startsWith('/');
      isRing = name === '' && rights.startsWith('rw') && sizeKiB >= RING_MAPPING_KIB;
      continue;
    }
    const residentKiB = Number(/^Rss:\s+(\d+) kB/.exec(line)?.[1] ?? 0);
    rssKiB += residentKiB;
    fileKiB += isFile ? residentKiB : 0;
    ringKiB += isRing ? residentKiB : 0;
  }
  return { rssKiB, fileKiB, ringKiB };
}

export function processMemory(pid: number): ProcessMemory {
  return parseMappings(readFileSync(`/proc/${pid}/smaps`, 'utf8'));
}
