import * as fc from 'fast-check';
import { ConfigError, matchRoute, matchTrunk, parseConfig, parseIdentity } from '../../../config';
import { parseCsv } from '../../../config/csv';
import { parseIp } from '../../../config/ip-address';
import { mergeTrees, patchTree } from '../../../config/merge';
import { matchesPattern, parsePattern } from '../../../config/pattern';
import { parseSipUri } from '../../../config/sip-uri';

const RUNS = { numRuns: 300 };

function outcome(text: string): string {
  try {
    parseConfig(text, 'fuzz');
    return 'accepted';
  } catch (error) {
    return error instanceof ConfigError ? error.code : `threw ${String(error)}`;
  }
}

describe('what peers and operators may feed us', () => {
  test('parseConfig answers any text with a configuration or a ConfigError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), text => {
        expect(outcome(text)).toMatch(/^(accepted|REC_ERR_CONFIG_INVALID)$/);
      }),
      RUNS,
    );
  });

  test('any text as the value of any section is refused or accepted, never thrown', () => {
    const sections = [
      'providers',
      'organisations',
      'featureCodes',
      'voicemail',
      'webhooks',
      'admin',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...sections), fc.json({ maxDepth: 4 }), (section, value) => {
        expect(outcome(`{"${section}": {"x": ${value}}}`)).toMatch(
          /^(accepted|REC_ERR_CONFIG_INVALID)$/,
        );
        expect(outcome(`{"${section}": ${value}}`)).toMatch(/^(accepted|REC_ERR_CONFIG_INVALID)$/);
      }),
      RUNS,
    );
  });

  test('tables of any cells are read as they were written', () => {
    const rows = fc.array(fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 4 }));
    fc.assert(
      fc.property(rows, table => {
        const text = table
          .map(cells => cells.map(cell => `"${cell.replaceAll('"', '""')}"`).join(','))
          .join('\r\n');
        expect(parseCsv(text).map(({ cells }) => cells)).toEqual(table);
      }),
      RUNS,
    );
  });

  test('trees are laid over each other without changing either, nor any prototype', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (base, over) => {
        const [baseText, overText] = [JSON.stringify(base), JSON.stringify(over)];
        mergeTrees(base, over);
        patchTree(base, over);
        expect([JSON.stringify(base), JSON.stringify(over)]).toEqual([baseText, overText]);
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      }),
      RUNS,
    );
  });

  test('URIs, identities and addresses of any text are parsed or refused, never thrown', () => {
    const config = parseConfig(
      "trunks: {t: {sources: [10.0.0.0/8], kind: pstn}}\nroutes: [{match: {user: '*1'}, requestUri: true, kind: pstn}]",
      'x',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map(s => `sip:${s}`),
      fc.string().map(s => `sip:${s}@host`),
      fc.string().map(s => `tel:${s}`),
    );
    fc.assert(
      fc.property(text, input => {
        parseSipUri(input);
        parseIdentity(input);
        parseIp(input);
        matchTrunk(config, input);
        matchRoute(config, { requestUri: input, fromTrunk: null });
      }),
      RUNS,
    );
  });

  test('an IPv4 address equals its IPv4-mapped IPv6 form', () => {
    fc.assert(
      fc.property(fc.ipV4(), address => {
        expect(parseIp(`::ffff:${address}`)).toEqual(parseIp(address));
      }),
      RUNS,
    );
  });

  test('an IPv6 address is read as the platform canonicalises it', () => {
    fc.assert(
      fc.property(fc.ipV6(), address => {
        const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
        expect(parseIp(address)).toEqual(parseIp(canonical));
      }),
      RUNS,
    );
  });

  test('patterns of stars, question marks and literals agree with a reference matcher', () => {
    const pattern = fc.array(fc.constantFrom('*', '?', '#', 'a', '1'), {
      minLength: 1,
      maxLength: 6,
    });
    const subject = fc.array(fc.constantFrom('a', '1', 'b'), { maxLength: 8 });
    fc.assert(
      fc.property(pattern, subject, (parts, chars) => {
        const meaning: Record<string, string> = { '*': '.*', '?': '.', '#': '[0-9]' };
        const reference = new RegExp(`^${parts.map(p => meaning[p] ?? p).join('')}$`);
        const tokens = parsePattern(parts.join(''));
        expect(typeof tokens).not.toBe('string');
        expect(matchesPattern(tokens as Exclude<typeof tokens, string>, chars.join(''))).toBe(
          reference.test(chars.join('')),
        );
      }),
      { numRuns: 1000 },
    );
  });
});
