import { protectByRow, SrtpSender } from '../../../../media/srtp/srtp-sender';
import { createNodeBackend } from '../../../../media/srtp/node-backend';
import { type IoMemory, memoryOf } from '../../../../media/io/packet-io';
import { SrtpRows } from '../../../../media/srtp/srtp-rows';
import { put, read, rtpHex } from './srtp-support';

const SUITE = 'AES_CM_128_HMAC_SHA1_80';
const KEY = { keySalt: Buffer.alloc(30, 7).toString('base64'), mki: '' };
const SSRC = 0xcafebabe | 0;

function plainMemory(bytes: number): IoMemory {
  return memoryOf(new ArrayBuffer(bytes), 0, bytes, 0);
}

test('rows have numbers from one on, and one that was given back is of zeros for the next', () => {
  const rows = new SrtpRows(2);
  const [first, second] = [rows.take(), rows.take()];
  expect([first, second].map(row => rows.numberOf(row))).toEqual([1, 2]);
  second.words.fill(-1, second.at, second.at + 32);
  rows.give(second);
  const again = rows.take();
  expect(again.at).toBe(SrtpRows.at(2));
  expect([...again.words.subarray(again.at, again.at + 32)]).toEqual(new Array(32).fill(0));
});

test('more rows than lie together lie by themselves, without a number', () => {
  const rows = new SrtpRows(1);
  rows.take();
  const other = rows.take();
  expect(rows.numberOf(other)).toBe(0);
  other.words[other.at] = 5;
  rows.give(other);
  expect(other.words[other.at]).toBe(0);
  expect(rows.numberOf(rows.take())).toBe(0);
});

test('a sender without a number protects as one with a number does', () => {
  const memory = plainMemory(4096);
  const length = put(memory, 0, rtpHex(1));
  const senders = [0, 4].map(
    count => new SrtpSender(createNodeBackend(plainMemory, new SrtpRows(count)), SUITE, KEY),
  );
  const sealed = senders.map(sender =>
    read(memory, 2048, sender.protectRtp(memory, 0, length, memory, 2048)),
  );
  expect(senders.map(sender => sender.rowNumber(SSRC) > 0)).toEqual([false, true]);
  expect(sealed[0]).toBe(sealed[1]);
});

test('by its row a packet is protected as by its sender, once', () => {
  const memory = plainMemory(4096);
  const backends = [0, 1].map(() => createNodeBackend(plainMemory));
  const senders = backends.map(backend => new SrtpSender(backend, SUITE, KEY));
  senders.forEach(sender => sender.protectRtp(memory, 0, put(memory, 0, rtpHex(1)), memory, 2048));
  const number = senders[0]!.rowNumber(SSRC);
  expect(number).toBeGreaterThan(0);
  expect(senders[0]!.rowNumber(SSRC + 1)).toBe(0);
  const length = put(memory, 0, rtpHex(2));
  const wanted = read(memory, 2048, senders[1]!.protectRtp(memory, 0, length, memory, 2048));
  const other = plainMemory(2048);
  expect(read(other, 0, protectByRow(backends[0]!, number, memory, 0, length, other))).toBe(wanted);
  expect(protectByRow(backends[0]!, number, memory, 0, length, other)).toBe(0);
  expect(senders[0]!.protectRtp(memory, 0, length, memory, 2048)).toBe(0);
});
