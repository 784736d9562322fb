import { type Random } from './random';

/** What mutations are made of. */
export interface Material {
  /** Good inputs; at least one. */
  readonly pool: readonly Buffer[];
  /** Words that mean something to the parser. */
  readonly dictionary: readonly Buffer[];
  /** Longest input, bytes. */
  readonly maxBytes: number;
}

type Mutation = (input: Buffer, random: Random, material: Material) => Buffer;

/** Octets at which text parsers turn. */
const TURNING_POINTS = Buffer.from(
  '\0\t\n\r !"#%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~\x7f\x80\xc3\xff',
  'latin1',
);

/** Numbers at which lengths, ports and counters turn. */
const NUMBERS = [
  '0', '1', '-1', '00', '7', '15', '16', '31', '32', '63', '64', '127', '128', '200', '201', '255', '256',
  '699', '700', '999', '5060', '8192', '8193', '65535', '65536', '2147483647', '2147483648', '4294967295',
  '4294967296', '9007199254740993', '99999999999999999999', '1e9', '0x10', '+5', ' 5 ', '',
].map(text => Buffer.from(text)); // prettier-ignore

/** Lengths of long runs, around the bounds of the parsers. */
const RUN_LENGTHS = [2, 8, 70, 71, 255, 256, 1024, 2049, 4097, 8193, 30_000, 66_000];

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setOctet,
  insertOctets,
  insertWord,
  overwriteWithWord,
  deleteRange,
  repeatRange,
  truncate,
  splice,
  replaceNumber,
  moveLine,
  insertRun,
];

/**
 * A new input: now and then nothing but noise, or one thing over and over; otherwise a good one with one to
 * sixteen changes.
 */
export function mutate(random: Random, material: Material): Buffer {
  if (random.oneIn(50)) {
    return random.bytes(random.below(Math.min(200, material.maxBytes) + 1));
  }
  if (random.oneIn(100)) {
    return pump(random.pick(material.pool), random, material);
  }
  let input = random.pick(material.pool);
  for (let changes = 1 << random.below(5); changes > 0; changes--) {
    input = random.pick(MUTATIONS)(input, random, material).subarray(0, material.maxBytes);
  }
  return input;
}

/** One word or piece, repeated up to the longest input: what takes more than linear time shows. */
function pump(input: Buffer, random: Random, material: Material): Buffer {
  const { start, end } = range(input, random);
  const unit = Buffer.concat([
    random.pick(material.dictionary),
    random.oneIn(2) ? Buffer.of(turningPoint(random)) : Buffer.alloc(0),
    random.oneIn(3) ? input.subarray(start, Math.min(end, start + 12)) : Buffer.alloc(0),
  ]);
  const room = Math.max(0, random.pick([8000, material.maxBytes]) - input.length);
  return replace(input, start, start, Buffer.alloc(unit.length === 0 ? 0 : room, unit)).subarray(
    0,
    material.maxBytes,
  );
}

/** `input` with the octets from `start` to `end` replaced. */
function replace(input: Buffer, start: number, end: number, by: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, start), by, input.subarray(end)]);
}

function turningPoint(random: Random): number {
  return TURNING_POINTS[random.below(TURNING_POINTS.length)] ?? 0;
}

/** A position in the input, its end included. */
function anywhere(input: Buffer, random: Random): number {
  return random.below(input.length + 1);
}

function range(input: Buffer, random: Random): { start: number; end: number } {
  const start = anywhere(input, random);
  const longest = random.oneIn(4) ? input.length : 16;
  return { start, end: Math.min(input.length, start + random.below(longest + 1)) };
}

function flipBit(input: Buffer, random: Random): Buffer {
  const at = anywhere(input, random);
  return replace(input, at, at + 1, Buffer.of((input[at] ?? 0) ^ (1 << random.below(8))));
}

function setOctet(input: Buffer, random: Random): Buffer {
  const at = anywhere(input, random);
  return replace(input, at, at + 1, Buffer.of(turningPoint(random)));
}

function insertOctets(input: Buffer, random: Random): Buffer {
  const at = anywhere(input, random);
  return replace(input, at, at, random.bytes(1 + random.below(8)));
}

function insertWord(input: Buffer, random: Random, { dictionary }: Material): Buffer {
  const at = anywhere(input, random);
  return replace(input, at, at, random.pick(dictionary));
}

function overwriteWithWord(input: Buffer, random: Random, { dictionary }: Material): Buffer {
  const at = anywhere(input, random);
  const word = random.pick(dictionary);
  return replace(input, at, Math.min(input.length, at + word.length), word);
}

function deleteRange(input: Buffer, random: Random): Buffer {
  const { start, end } = range(input, random);
  return replace(input, start, end, Buffer.alloc(0));
}

function repeatRange(input: Buffer, random: Random, { maxBytes }: Material): Buffer {
  const { start, end } = range(input, random);
  const part = input.subarray(start, end);
  const most = Math.min(random.pick(RUN_LENGTHS), Math.floor(maxBytes / Math.max(1, part.length)));
  return replace(input, end, end, Buffer.alloc(part.length * Math.min(most, 300), part));
}

function truncate(input: Buffer, random: Random): Buffer {
  return input.subarray(0, anywhere(input, random));
}

function splice(input: Buffer, random: Random, { pool }: Material): Buffer {
  const other = random.pick(pool);
  return Buffer.concat([
    input.subarray(0, anywhere(input, random)),
    other.subarray(anywhere(other, random)),
  ]);
}

/** Puts another number where one stands (or inserts one). */
function replaceNumber(input: Buffer, random: Random): Buffer {
  let start = anywhere(input, random);
  while (start < input.length && !isDigit(input[start])) {
    start++;
  }
  let end = start;
  while (end < input.length && isDigit(input[end])) {
    end++;
  }
  return replace(input, start, end, random.pick(NUMBERS));
}

function isDigit(octet: number | undefined): boolean {
  return octet !== undefined && octet >= 0x30 && octet <= 0x39;
}

/** Takes a line out and puts it, whole, before another one. */
function moveLine(input: Buffer, random: Random): Buffer {
  const start = input.lastIndexOf('\n', anywhere(input, random)) + 1;
  const newline = input.indexOf('\n', start);
  const end = newline < 0 ? input.length : newline + 1;
  const line = input.subarray(start, end);
  const rest = replace(input, start, end, Buffer.alloc(0));
  const at = rest.lastIndexOf('\n', anywhere(rest, random)) + 1;
  return replace(rest, at, at, line);
}

function insertRun(input: Buffer, random: Random): Buffer {
  const at = anywhere(input, random);
  const octet = turningPoint(random);
  // Long runs are slow to check and seldom tell more than short ones.
  const length = random.pick(random.oneIn(8) ? RUN_LENGTHS : RUN_LENGTHS.slice(0, 6));
  return replace(input, at, at, Buffer.alloc(length, octet));
}
