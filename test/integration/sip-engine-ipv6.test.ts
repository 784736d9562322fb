import { noopLogger, systemClock } from '#core';
import { createSoftphone, silence, type Softphone } from '../../src/lab';
import { TestCa } from '../support/test-ca';
import {
  type Bench,
  hangUp,
  nextInvite,
  once,
  SDP,
  startBench,
  within,
} from './sip-engine-harness';

let bench: Bench;
let ca: TestCa;
let phone: Softphone;

beforeEach(async () => {
  ca = new TestCa();
  const own = ca.issue(['IP:::1']);
  bench = await startBench({
    listeners: [
      { transport: 'udp', host: '::1', port: 0 },
      { transport: 'tcp', host: '::1', port: 0 },
      { transport: 'tls', host: '::1', port: 0, tls: own },
    ],
    tls: { ca: ca.cert },
  });
});

afterEach(async () => {
  await phone.close();
  try {
    await bench.expectQuiet();
  } finally {
    await bench.close();
  }
  ca.close();
});

test.each(['udp', 'tcp', 'tls'] as const)(
  'a call over IPv6 and %s in each direction',
  async transport => {
    phone = await createSoftphone({
      name: 'six',
      host: '::1',
      transport,
      audio: silence,
      clock: systemClock,
      logger: noopLogger,
      listenerTls: ca.issue(['IP:::1']),
      tls: { ca: ca.cert },
    });
    const { port } = bench.engine.listeners.find(each => each.transport === transport)!;
    const arriving = await nextInvite(bench);
    const calling = phone.call(`sip:bob@[::1]:${port};transport=${transport}`);
    const { req, res } = await within('INVITE', arriving.invite);
    expect(req.source_address).toBe('::1');
    const incoming = await bench.srf.createUAS(req, res, { localSdp: SDP6 });
    const call = await within('call', calling);
    await within('answer', call.waitFor('answered', 5000));
    const ended = once(incoming, 'destroy');
    await call.hangUp();
    await within('end', ended);

    let contact: string | null = null;
    phone.onIncoming(each => {
      contact = each.request.headers.get('contact');
      each.answer();
    });
    const outgoing = await within('call', bench.srf.createUAC(phone.uri, { localSdp: SDP6 }));
    await within('end', hangUp(outgoing));
    const parameter = transport === 'udp' ? '' : `;transport=${transport}`;
    expect(contact).toBe(`<sip:[::1]:${port}${parameter}>`);
  },
);

const SDP6 =
  `${SDP.replaceAll('IP4 127.0.0.1', 'IP6 ::1')}m=audio 40000 RTP/AVP 0\r\n` + 'a=sendrecv\r\n';
