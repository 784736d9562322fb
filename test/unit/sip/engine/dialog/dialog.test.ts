import { HeaderList, makeRequest, makeResponse, type MessageSource } from '#sip/engine';
import {
  addressBy,
  Dialog,
  DialogTable,
  isBehindNat,
  targetOf,
} from '../../../../../sip/engine/dialog';

const SOURCE = { transport: 'udp', remoteHost: '192.0.2.9', remotePort: 4444 } as MessageSource;

function invite(extra: [string, string][] = []): ReturnType<typeof makeRequest> {
  return makeRequest(
    'INVITE',
    'sip:bob@us',
    HeaderList.of(
      ['Via', 'SIP/2.0/UDP a;branch=z9hG4bKx'],
      ['From', '"A" <sip:alice@them>;tag=a'],
      ['To', '<sip:bob@us>'],
      ['Call-ID', 'i'],
      ['CSeq', '5 INVITE'],
      ['Contact', '<sip:alice@198.51.100.1:5070>'],
      ...extra,
    ),
  );
}

describe('Dialog', () => {
  test('as UAS takes Record-Route in order and turns From and To round (RFC 3261 §12.1.1)', () => {
    const routes: [string, string][] = [['Record-Route', '<sip:p1;lr>, <sip:p2;lr>']];
    const dialog = Dialog.ofServer(invite(routes), 'b', SOURCE);
    const { requestUri, nextHop, headers } = dialog.nextRequest('BYE', null);
    expect(requestUri).toBe('sip:alice@198.51.100.1:5070');
    expect(nextHop).toBe('sip:p1;lr');
    expect(headers.toString()).toBe(
      'Max-Forwards: 70\r\nRoute: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n' +
        'From: <sip:bob@us>;tag=b\r\nTo: "A" <sip:alice@them>;tag=a\r\nCall-ID: i\r\nCSeq: 1 BYE\r\n',
    );
  });

  test('as UAC reverses Record-Route, counts CSeq on, and gives ACK the number of its INVITE', () => {
    const response = makeResponse(invite(), 200, {
      toTag: 'b',
      headers: HeaderList.of(
        ['Record-Route', '<sip:p2;lr>'],
        ['Record-Route', '<sip:p1;lr>'],
        ['Contact', '<sip:bob@198.51.100.2>'],
      ),
    });
    const dialog = Dialog.ofClient(invite(), response, SOURCE);
    expect(dialog.nextRequest('ACK', null, 5).headers.get('cseq')).toBe('5 ACK');
    const info = dialog.nextRequest('INFO', '68');
    expect(info.headers.getAll('route')).toEqual(['<sip:p1;lr>', '<sip:p2;lr>']);
    expect(info.headers.get('cseq')).toBe('6 INFO');
    expect(info.headers.get('max-forwards')).toBe('68');
  });

  test('refuses a CSeq that goes back and takes gaps (§12.2.2)', () => {
    const dialog = Dialog.ofServer(invite(), 'b', SOURCE);
    const at = (number: number): boolean =>
      dialog.acceptSequence(
        makeRequest('INFO', 'sip:x', HeaderList.of(['CSeq', `${number} INFO`])),
      );
    expect([at(6), at(100), at(99), at(100)]).toEqual([true, true, false, true]);
  });

  test('a Contact moves the target, a missing one does not; without any it is unreachable', () => {
    const dialog = Dialog.ofServer(invite(), 'b', SOURCE);
    dialog.refreshTarget(new HeaderList(), SOURCE);
    expect(dialog.nextRequest('INFO', null).requestUri).toBe('sip:alice@198.51.100.1:5070');
    dialog.refreshTarget(HeaderList.of(['m', '<sip:new@203.0.113.5>']), SOURCE);
    expect(dialog.nextRequest('INFO', null).requestUri).toBe('sip:new@203.0.113.5');
    const request = invite();
    request.headers.remove('Contact');
    expect(Dialog.ofServer(request, 'b', SOURCE).isReachable).toBe(false);
  });

  test('a private Contact from a public source is reached where its packets came from', () => {
    const request = invite();
    request.headers.set('Contact', '<sip:alice@10.0.0.5:5060>');
    expect(Dialog.ofServer(request, 'b', SOURCE).nextRequest('BYE', null).fixedTarget).toEqual({
      transport: 'udp',
      host: '192.0.2.9',
      port: 4444,
    });
    const near = { ...SOURCE, remoteHost: '10.0.0.1' };
    expect(isBehindNat('sip:alice@10.0.0.5', near)).toBe(false);
    expect(isBehindNat('sip:alice@example.com', SOURCE)).toBe(false);
  });

  test('is found by both tags only', () => {
    const table = new DialogTable<string>();
    const dialog = Dialog.ofServer(invite(), 'b', SOURCE);
    table.add(dialog, 'owner');
    const bye = (to: string): ReturnType<typeof makeRequest> => {
      const request = invite();
      request.headers.set('To', to);
      return request;
    };
    expect(table.find(bye('<sip:bob@us>;tag=b'))?.owner).toBe('owner');
    expect(table.find(bye('<sip:bob@us>;tag=c'))).toBeNull();
    expect(table.find(bye('<sip:bob@us>'))).toBeNull();
    table.remove(dialog);
    expect(table.size).toBe(0);
  });
});

describe('addressBy (RFC 3261 §12.2.1.1)', () => {
  test('a strict router becomes the Request-URI and the target the last route', () => {
    expect(addressBy(['<sip:p1;method=X?h=1>', '<sip:p2;lr>'], 'sip:t')).toEqual({
      requestUri: 'sip:p1',
      routes: ['<sip:p2;lr>', '<sip:t>'],
      nextHop: 'sip:p1;method=X?h=1',
    });
  });
});

describe('targetOf', () => {
  test.each([
    ['sip:a@h', ['udp', 'tcp'], { transport: 'udp', host: 'h', port: 5060, lookUp: 'any' }],
    ['sip:a@h', ['tcp'], { transport: 'tcp', host: 'h', port: 5060, lookUp: 'any' }],
    ['sip:h:5070', ['udp'], { transport: 'udp', host: 'h', port: 5070 }],
    ['sip:h;transport=tcp', [], { transport: 'tcp', host: 'h', port: 5060, lookUp: 'service' }],
    ['sip:h:99;transport=TCP', ['udp'], { transport: 'tcp', host: 'h', port: 99 }],
    ['sip:h;maddr=1.2.3.4', ['udp'], { transport: 'udp', host: '1.2.3.4', port: 5060 }],
    ['sips:h', ['udp'], { transport: 'tls', host: 'h', port: 5061, lookUp: 'service' }],
    ['sips:[::1]', [], { transport: 'tls', host: '::1', port: 5061 }],
    ['sips:h;transport=tcp', [], { transport: 'tls', host: 'h', port: 5061, lookUp: 'service' }],
    ['sips:h;transport=udp', ['udp'], null],
    [
      'sip:h;transport=tls',
      ['udp'],
      { transport: 'tls', host: 'h', port: 5061, lookUp: 'service' },
    ],
    ['sip:h;transport=ws', ['udp'], null],
    ['tel:123', ['udp'], null],
  ] as const)('%s', (uri, available, target) => {
    expect(targetOf(uri, available)).toEqual(target);
  });
});
