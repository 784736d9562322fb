import { KIND_EVENT } from '../codec/payload-kinds';
import { get, STREAM } from './counters';
import { type LegState } from './leg-state';
import { STAYS } from './capture-rules';
import { flagsOf } from './record-flags';
import { type RecordingStreamState } from './recording-state';
import { LEG_ROW, STREAM_ROW, type StateTable } from './state-table';

/** In {@link LEG_ROW.plain}: no packet of the leg is plain. */
export const NOTHING_IS_PLAIN = 0;
/** Set in it: packets of the leg are plain once they are decrypted. It is the sign, so that no packet as it comes is. */
export const IS_ENCRYPTED = 0x8000_0000 | 0;
/** Bits of the first two octets of a packet: version 2, no padding, extension or CSRC; payload type without marker. */
export const PLAIN_HEAD_MASK = 0x7fff;
const PLAIN_FIRST_OCTET = 0x80;
/** Above those bits stands the rate of the clock, which has 16. */
export const RATE_SHIFT = 15;
const MAX_RATE_HZ = 0xffff;

/** In the halves of {@link LEG_ROW.links}, otherwise a slot: nothing is to be done there … */
export const LINK_NONE = 0xffff;
/** … or more than sending bytes on: mixing, several recordings. That is up to the objects. */
export const LINK_OBJECTS = 0xfffe;
/**
 * In {@link STREAM_ROW.plainFlags}, above the flags of a record: by which row of keys what leaves is protected; 0: it is
 * not. The ring's packets are plain all the same.
 */
export const KEY_SHIFT = 16;
/** The protection is up to the objects. */
const KEY_IN_OBJECTS = 0xffff;
/** The upper half: where packets are copied to. The lower one: where they are relayed to. */
export const COPY_SHIFT = 16;

/**
 * Writes into the leg's row whether packets like the one just handled are plain, and where they go. A plain packet is
 * the next one of the locked source, of the audio that was agreed, and nobody looks into it: all that is left to do
 * is numbers, and can be done from the rows alone (see PlainForwarder). Whatever may change that must unsettle the
 * leg ({@link LegState.unsettle}): every command does, and so do the few other places where state turns.
 */
export function settle(
  table: StateTable,
  leg: LegState,
  counters: Float64Array,
  type: number,
): void {
  const { words } = table;
  const at = table.at(leg.slot);
  const rateHz = leg.clockRates[type] ?? 0;
  if (!isPlain(leg, type, rateHz)) {
    words[at + LEG_ROW.plain] = NOTHING_IS_PLAIN;
    return;
  }
  const relay = relayLink(table, leg);
  const copy = copyLink(table, leg, counters, type, rateHz);
  words[at + LEG_ROW.links] = (copy << COPY_SHIFT) | relay;
  const head = (rateHz << RATE_SHIFT) | (type << 8) | PLAIN_FIRST_OCTET;
  words[at + LEG_ROW.plain] = leg.protection === null ? head : head | IS_ENCRYPTED;
}

function isPlain(leg: LegState, type: number, rateHz: number): boolean {
  return (
    leg.slot < LINK_OBJECTS &&
    leg.sends &&
    leg.isSignalled &&
    leg.rtpLatch.isSettled &&
    leg.meter === null &&
    !leg.hasTimedOut &&
    leg.reception.started &&
    (leg.kinds[type] ?? 0) < KIND_EVENT &&
    rateHz > 0 &&
    rateHz <= MAX_RATE_HZ
  );
}

function relayLink(table: StateTable, { peer }: LegState): number {
  if (peer?.receives !== true) {
    return LINK_NONE;
  }
  const isPlain =
    peer.mixer === null && peer.slot < LINK_OBJECTS && peer.rtpLatch.destination.isSet;
  const key = keyOf(peer);
  if (!isPlain || key === KEY_IN_OBJECTS) {
    return LINK_OBJECTS;
  }
  table.words[table.at(peer.slot, LEG_ROW.key)] = key;
  return peer.slot;
}

/** By which row of keys a stream is protected; 0: it is not. */
function keyOf({ protection, output }: LegState | RecordingStreamState): number {
  if (protection === null) {
    return 0;
  }
  const number = protection.sender.rowNumber(output.ssrc);
  return number === 0 ? KEY_IN_OBJECTS : Math.min(number, KEY_IN_OBJECTS);
}

function copyLink(
  table: StateTable,
  { taps, kinds }: LegState,
  counters: Float64Array,
  type: number,
  rateHz: number,
): number {
  const [stream] = taps;
  if (stream === undefined) {
    return LINK_NONE;
  }
  const kind = kinds[type] ?? 0;
  if (taps.length > 1 || !isPlainCopy(stream, counters, kind, type, rateHz)) {
    return LINK_OBJECTS;
  }
  const key = keyOf(stream);
  if (key === KEY_IN_OBJECTS) {
    return LINK_OBJECTS;
  }
  const flags = flagsOf(stream, kind, rateHz);
  table.words[table.at(stream.slot, STREAM_ROW.plainFlags)] = (key << KEY_SHIFT) | flags;
  return stream.slot;
}

/** Whether captured packets leave at once, as they are, and nothing but their numbers has to be counted. */
function isPlainCopy(
  stream: RecordingStreamState,
  counters: Float64Array,
  kind: number,
  type: number,
  rateHz: number,
): boolean {
  const { recording, rules, ring, counterBase } = stream;
  return (
    recording.gateOpen &&
    recording.isLive &&
    recording.closing === null &&
    stream.slot < LINK_OBJECTS &&
    stream.isSending &&
    !stream.isRefused &&
    !stream.isReplaying &&
    !stream.isFirstOfGate &&
    stream.leftOut === 0 &&
    stream.sourceRateHz === rateHz &&
    ring.overflowed === stream.overflowedCounted &&
    rules.judge(kind, type, rateHz) === STAYS &&
    rules.isAccepted(type) &&
    // What the first packets of a kind count is there already.
    get(counters, counterBase, STREAM.packetsSent) > 0 &&
    get(counters, counterBase, STREAM.sentType) === type + 1
  );
}
