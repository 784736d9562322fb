import { createHmac } from 'node:crypto';

import { ownRow, type StateRow } from '../../../../media/rtp/state-row';
import { setSalt, writeRtcpIv, writeRtpIv } from '../../../../media/srtp/initial-vector';
import { deriveSessionKeys } from '../../../../media/srtp/key-derivation';
import { SrtpReceiver } from '../../../../media/srtp/srtp-receiver';
import { SrtpSender } from '../../../../media/srtp/srtp-sender';
import { WORK } from '../../../../media/srtp/crypto-backend';
import { chooseCryptoBackend } from '../../../../media/srtp/choose-backend';
import { BENCHES, nativeMemory, put, read } from './srtp-support';

const hexKey = (hex: string): { keySalt: string; mki: string } => ({
  keySalt: Buffer.from(hex, 'hex').toString('base64'),
  mki: '',
});
/** RFC 3711 §B.3; the same key is that of libsrtp's vectors. */
const MASTER = hexKey('e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6');
const AEAD_MASTER = hexKey('000102030405060708090a0b0c0d0e0fa0a1a2a3a4a5a6a7a8a9aaab');
const RTP = `800f1234decafbadcafebabe${'ab'.repeat(16)}`;
const RTCP = `81c8000bcafebabe${'ab'.repeat(16)}`;
const QUID_PRO_QUO = '517569642070726f2071756f';
const KEY_128 = '000102030405060708090a0b0c0d0e0f';
const KEY_256 = `${KEY_128}101112131415161718191a1b1c1d1e1f`;

it('derives the session keys of RFC 3711 appendix B.3', () => {
  const { rtp } = deriveSessionKeys('AES_CM_128_HMAC_SHA1_80', MASTER);
  expect(rtp.cipher.toString('hex')).toBe('c61e7a93744f39ee10734afe3ff7a087');
  expect(rtp.salt.toString('hex')).toBe('30cbbc08863d8c85d49db34a9ae1');
  expect(rtp.auth.toString('hex')).toBe('cebe321f6ff7716b6fd4ab49af256a156d38baa4');
});

it('refuses a master key of the wrong length without telling it', () => {
  const short = { keySalt: Buffer.alloc(29, 7).toString('base64'), mki: '' };
  const error = caught(() => deriveSessionKeys('AES_CM_128_HMAC_SHA1_80', short));
  expect(error).toMatchObject({ code: 'REC_ERR_MEDIA_BAD_KEY' });
  expect(JSON.stringify(error) + String(error)).not.toContain(short.keySalt);
});

it('chooses OpenSSL where packets have addresses, and knows that it is right', () => {
  expect(chooseCryptoBackend(nativeMemory).kind).toBe('openssl');
});

describe.each(BENCHES)('with $name', ({ backend, memory, other }) => {
  it('makes the key stream of RFC 3711 appendix B.2', () => {
    const cipher = backend.counterMode(Buffer.from('2b7e151628aed2a6abf7158809cf4f3c', 'hex'));
    put(backend.work, WORK.iv, 'f0f1f2f3f4f5f6f7f8f9fafbfcfd0000');
    memory.bytes.fill(0);
    backend.crypt(cipher, memory, 0, memory, 0, 48);
    expect(read(memory, 0, 48)).toBe(
      'e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0',
    );
    backend.releaseCipher(cipher);
  });

  it('authenticates stretches of any length and place as Node does', () => {
    const key = Buffer.from('cebe321f6ff7716b6fd4ab49af256a156d38baa4', 'hex');
    const { words, at: wordsAt } = ownRow();
    backend.keyHmac(key, words, wordsAt);
    memory.bytes.forEach((_, i) => (memory.bytes[i] = (i * 31) & 0xff));
    backend.work.view.setInt32(WORK.tail, 0x01020304);
    const lengths = [...Array.from({ length: 200 }, (_, i) => i), 1459, 2047, 2048];
    for (const [i, length] of lengths.entries()) {
      const at = i % 5;
      const stretch = Buffer.from(memory.bytes.subarray(at, at + length));
      for (const tail of ['', '01020304']) {
        const wanted = createHmac('sha1', key).update(stretch).update(tail, 'hex').digest('hex');
        expect(backend.digest(words, wordsAt, memory, at, length, tail !== '')).toBe(true);
        expect(read(backend.work, WORK.tag, 20)).toBe(wanted);
      }
    }
    backend.releaseHmac(words, wordsAt);
  });

  it.each([
    [
      'AES_CM_128_HMAC_SHA1_80',
      MASTER,
      '800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb',
      '81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798',
    ],
    [
      'AEAD_AES_128_GCM',
      AEAD_MASTER,
      '800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392',
      '81c8000bcafebabec98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001',
    ],
  ] as const)('agrees with libsrtp on %s', (suite, master, srtp, srtcp) => {
    const sender = new SrtpSender(backend, suite, master);
    const receiver = new SrtpReceiver(backend, suite, master);
    const length = put(memory, 0, RTP);
    expect(read(other, 16, sender.protectRtp(memory, 0, length, other, 16))).toBe(srtp);
    expect(read(memory, 0, length)).toBe(RTP);
    expect(read(other, 16, receiver.unprotectRtp(other, 16, srtp.length / 2))).toBe(RTP);
    // libsrtp counts SRTCP packets from one: the vector is our second.
    sender.protectRtcp(other, 0, put(other, 0, RTCP));
    expect(read(other, 0, sender.protectRtcp(other, 0, put(other, 0, RTCP)))).toBe(srtcp);
    expect(read(other, 0, receiver.unprotectRtcp(other, 0, srtcp.length / 2))).toBe(RTCP);
    sender.release();
    receiver.release();
  });

  it.each([
    [
      KEY_128,
      'f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce',
    ],
    [
      KEY_256,
      '32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13',
    ],
  ])('seals and opens the RTP packet of RFC 7714 §16 with the key %s', (key, sealed) => {
    const gcm = backend.gcm(Buffer.from(key, 'hex'));
    const { words, at } = saltRow();
    const packet = `8040f17b8041f8d35501a0b2${Buffer.from('Gallia est omnis divisa in partes tres').toString('hex')}`;
    const length = put(memory, 0, packet);
    writeRtpIv(backend.work.view, words, at, true, 0x5501a0b2, 0, 0xf17b);
    expect(backend.seal(gcm, memory, 12, memory, 12, length - 12, 12, false)).toBe(true);
    expect(read(memory, 12, length - 12 + 16)).toBe(sealed);
    writeRtpIv(backend.work.view, words, at, true, 0x5501a0b2, 0, 0xf17b);
    expect(backend.open(gcm, memory, 12, length - 12, 12, false)).toBe(true);
    expect(read(memory, 0, length)).toBe(packet);
    backend.releaseCipher(gcm);
  });

  it('seals the RTCP packet of RFC 7714 §17.1 and opens that of §17.2', () => {
    const { words, at } = saltRow();
    const plain =
      '81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef';
    const short = backend.gcm(Buffer.from(KEY_128, 'hex'));
    const length = put(memory, 0, plain);
    writeRtcpIv(backend.work.view, words, at, true, 0x4d617273, 0x5d4);
    put(backend.work, WORK.tail, '800005d4');
    expect(backend.seal(short, memory, 8, memory, 8, length - 8, 8, true)).toBe(true);
    expect(read(memory, 8, length - 8 + 16)).toBe(
      '63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade',
    );
    const long = backend.gcm(Buffer.from(KEY_256, 'hex'));
    put(
      memory,
      0,
      '81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be',
    );
    writeRtcpIv(backend.work.view, words, at, true, 0x4d617273, 0x5d4);
    put(backend.work, WORK.tail, '800005d4');
    expect(backend.open(long, memory, 8, length - 8, 8, true)).toBe(true);
    expect(read(memory, 0, length)).toBe(plain);
    backend.releaseCipher(short);
    backend.releaseCipher(long);
  });
});

function saltRow(): StateRow {
  const row = ownRow();
  setSalt(row.words, row.at, Buffer.from(QUID_PRO_QUO, 'hex'));
  return row;
}

function caught(action: () => unknown): unknown {
  try {
    action();
    return null;
  } catch (error) {
    return error;
  }
}
