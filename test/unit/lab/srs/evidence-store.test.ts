import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EvidenceStore } from '../../../../src/lab/srs/evidence-store';

describe('EvidenceStore', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'evidence-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const kept = (raw: Buffer): Buffer => {
    const store = new EvidenceStore(folder);
    store.addSip(raw);
    return readFileSync(join(folder, 'sip/001.txt'));
  };

  it('keeps messages byte for byte', () => {
    const raw = Buffer.from([0x49, 0xff, 0x00, 0x0d, 0x0a, 0xe2, 0x82]);
    expect(kept(raw)).toEqual(raw);
  });

  it('overwrites SRTP keys and keeps everything else, lengths included', () => {
    const line = (key: string): string =>
      `m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}|2^31\r\na=label:1\r\n`;
    const key = 'PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR';
    expect(kept(Buffer.from(line(key))).toString()).toBe(line('*'.repeat(40)));
  });
});
