import fc from 'fast-check';
import {
  metadataIdFromBytes,
  metadataIdFromUuid,
  metadataIdToBytes,
  metadataIdToUuid,
  parseMetadataId,
} from '#metadata';

describe('MetadataId', () => {
  test('maps a UUID to the base64 of RFC 7865 §8 and back', () => {
    const id = metadataIdFromUuid('855A5DED-8420-456D-A70F-6DA1EEAEB425');
    expect(id).toBe('hVpd7YQgRW2nD22h7q60JQ==');
    expect(metadataIdToUuid(id)).toBe('855a5ded-8420-456d-a70f-6da1eeaeb425');
    expect(metadataIdFromUuid('urn:uuid:855a5ded-8420-456d-a70f-6da1eeaeb425')).toBe(id);
  });

  test('any 16 bytes survive the way through base64 and UUID', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
        const id = metadataIdFromBytes(bytes);
        expect(id).toHaveLength(24);
        expect(parseMetadataId(id)).toBe(id);
        expect(metadataIdToBytes(metadataIdFromUuid(metadataIdToUuid(id)))).toEqual(bytes);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['a dashed UUID', '855a5ded-8420-456d-a70f-6da1eeaeb425'],
    ['15 bytes', 'hVpd7YQgRW2nD22h7q60'],
    ['17 bytes', 'hVpd7YQgRW2nD22h7q60JQA='],
    ['the URL alphabet', 'hVpd7YQgRW2nD22h7q6_JQ=='],
    ['no padding', 'hVpd7YQgRW2nD22h7q60JQ'],
    ['unused bits that are not zero', 'hVpd7YQgRW2nD22h7q60JR=='],
    ['white space', ' hVpd7YQgRW2nD22h7q60JQ=='],
    ['nothing', ''],
  ])('%s is no id', (_name, text) => {
    expect(parseMetadataId(text)).toBeNull();
  });

  test('bytes of another number and text that is no UUID throw', () => {
    const error = expect.objectContaining({ code: 'REC_ERR_METADATA_ID' }) as Error;
    expect(() => metadataIdFromBytes(new Uint8Array(15))).toThrow(error);
    expect(() => metadataIdFromUuid('855a5ded8420456da70f6da1eeaeb425')).toThrow(error);
  });
});
