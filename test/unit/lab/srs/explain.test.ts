import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { explainDocuments, explainFiles } from '../../../../src/lab/srs/explain';
import { explanationLines } from '../../../../src/lab/srs/explain-text';

/** The documents of a fixture as files of a recorder. */
function fixture(name: string): { file: string; xml: string }[] {
  const text = readFileSync(
    path.join(__dirname, '../../../fixtures/metadata', `${name}.xml`),
    'utf8',
  );
  return text.split('\n\n').map((xml, index) => ({ file: `00${index + 1}.xml`, xml }));
}

function lines(name: string): string[] {
  return [...explanationLines(explainDocuments(fixture(name)))];
}

describe('explained metadata', () => {
  test.each([
    ['rfc7865', 'sip:alice@example.com'],
    ['broadworks', 'sip:a1b2c3d4e5@12345678.int10.bcld.example.com'],
  ])('%s: who spoke on which channel, also who has gone', (dialect, subscriber) => {
    const { channels, documents } = explainDocuments(fixture(`${dialect}/conference`));
    expect(documents.map(each => each.dialect)).toEqual([dialect, dialect, dialect]);
    expect(channels.map(({ label, parties }) => [label, parties.map(({ aor }) => aor)])).toEqual([
      ['1', [subscriber]],
      [
        '2',
        // RFC 7865 goes on naming who left; BroadWorks is silent about them, the files before were not.
        ['tel:+4930123456', '+14155550201@example.com', '+14155550202@example.com'],
      ],
    ]);
  });

  test.each(['rfc7865', 'broadworks'])('%s: events, announcements and properties', dialect => {
    const { events, announcements, properties, deviations, call } = explainDocuments(
      fixture(`${dialect}/events`),
    );
    expect(events.map(({ kind, at, by }) => [kind, at.slice(14, 19), by])).toEqual([
      ['start', '00:00', 'policy'],
      ['pause', '00:10', 'user'],
      ['resume', '00:20', 'api'],
      ['stop', '00:30', 'user'],
    ]);
    expect(announcements.map(({ kind, language, to }) => [kind, language, to.length])).toEqual([
      ['start', 'pt-BR', 2],
      ['beep', null, 1],
      ['stop', 'pt-BR', 2],
    ]);
    expect(properties).toMatchObject({
      mode: 'always-with-pause-resume',
      externalGroup: 'WBV000001L7',
    });
    expect(call).toMatchObject({ direction: 'outbound', dialedDigits: '004930123456' });
    expect(deviations).toEqual([]);
  });

  test('as lines, for people', () => {
    expect(lines('broadworks/transfer')).toEqual([
      'document    001.xml: complete, BroadWorks',
      'document    002.xml: complete, BroadWorks',
      'session     from 2026-11-23T10:00:00.000Z to (not told)',
      'channel 1   Alice <sip:a1b2c3d4e5@12345678.int10.bcld.example.com>',
      'channel 2   tel:+4930123456',
      'channel 2   Carol <tel:+493098765>',
      'recording   mode always-with-pause-resume, retention kept, service provider WBV000001, external group WBV000001L7, external identifier a1b2c3d4e5@12345678.int10.bcld.example.com',
      'call        outbound, from +14155550100 to +4930123456, dialled 004930123456, transferred from +4930123456 to +493098765, tracking id 00000000-0000-4000-8000-000000000006, call id callhalf-1234:0',
      'event       2026-11-23T10:00:00.000Z start by policy',
    ]);
  });

  test('a bad file is named with the place of its fault', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'explain-'));
    try {
      const file = path.join(folder, 'bad.xml');
      writeFileSync(file, '<?xml version="1.0"?>\n<recording\n></wrong>');
      const refused = (message: RegExp): Error =>
        expect.objectContaining({
          code: 'REC_ERR_LAB_BAD_FILE',
          message: expect.stringMatching(message) as string,
        }) as Error;
      expect(() => explainFiles([file])).toThrow(
        refused(/bad\.xml: REC_ERR_METADATA_MALFORMED: .*Line: 2/),
      );
      expect(() => explainFiles([path.join(folder, 'none.xml')])).toThrow(refused(/ENOENT/));
      expect(() => explainDocuments(fixture('snapshot-request'))).toThrow(refused(/001\.xml/));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
