import { noopLogger, systemClock } from '#core';
import { scanTones } from '../../src/lab/audio/tone-detector';
import { tone } from '../../src/lab/audio/tone';
import { answerAfter, rejectWith, ringForever } from '../../src/lab/phone/incoming-call';
import { type PhoneCall } from '../../src/lab/phone/phone-call';
import {
  createSoftphone,
  openPhoneExchange,
  type PhoneExchange,
  type Softphone,
  type SoftphoneOptions,
} from '../../src/lab/phone/softphone';

const CALLER_HZ = 700;
const CALLEE_HZ = 1100;
const phones: Softphone[] = [];
const exchanges: PhoneExchange[] = [];

async function phone(
  transport: 'udp' | 'tcp',
  name: string,
  hz: number,
  options: Partial<SoftphoneOptions> = {},
): Promise<Softphone> {
  const created = await createSoftphone({
    name,
    host: '127.0.0.1',
    transport,
    audio: tone({ hz }),
    clock: systemClock,
    logger: noopLogger,
    ...options,
  });
  phones.push(created);
  return created;
}

async function pair(
  transport: 'udp' | 'tcp',
  options: Partial<SoftphoneOptions> = {},
): Promise<{ caller: Softphone; callee: Softphone; taken: PhoneCall[] }> {
  const caller = await phone(transport, 'alice', CALLER_HZ, options);
  const callee = await phone(transport, 'bob', CALLEE_HZ, options);
  const taken: PhoneCall[] = [];
  callee.onIncoming(incoming => {
    taken.push(incoming.call);
    answerAfter(0)(incoming);
  });
  return { caller, callee, taken };
}

function only(calls: readonly PhoneCall[]): PhoneCall {
  const [call] = calls;
  if (call === undefined || calls.length > 1) {
    throw new Error(`${calls.length} calls instead of one`);
  }
  return call;
}

async function hears(call: PhoneCall, packets: number): Promise<void> {
  await call.until(
    () => call.statistics().received.reduce((sum, source) => sum + source.packets, 0) >= packets,
    10_000,
    `${packets} packets`,
  );
}

/** The tones heard after the first 100 ms, without repetitions. */
function tonesHeard(call: PhoneCall): (number | null)[] {
  const readings = scanTones(call.heard().subarray(800), [CALLER_HZ, CALLEE_HZ, 1400]);
  return readings.map(({ hz }) => hz).filter((hz, n, all) => hz !== all[n - 1]);
}

afterEach(async () => {
  await Promise.all(phones.splice(0).map(each => each.close()));
  await Promise.all(exchanges.splice(0).map(each => each.close()));
});

describe.each(['udp', 'tcp'] as const)('two softphones over %s', transport => {
  it('hear each other, and nobody else, and end together', async () => {
    const { caller, callee, taken } = await pair(transport);
    const call = await caller.call(callee.uri);
    await call.waitFor('answered');
    const other = only(taken);
    await Promise.all([hears(call, 40), hears(other, 40)]);
    expect(tonesHeard(call)).toEqual([CALLEE_HZ]);
    expect(tonesHeard(other)).toEqual([CALLER_HZ]);
    expect(call.statistics()).toMatchObject({ unusable: 0, received: [{ lost: 0 }] });
    await call.hangUp();
    await other.waitFor('ended');
    expect(call.ending).toMatchObject({ by: 'us', status: 200 });
    expect(other.ending).toMatchObject({ by: 'peer', status: 200 });
    expect([caller.calls, callee.calls]).toEqual([[], []]);
  });

  it('end from the other side', async () => {
    const { caller, callee, taken } = await pair(transport);
    const call = await caller.call(callee.uri);
    await call.waitFor('answered');
    await only(taken).hangUp();
    await call.waitFor('ended');
    expect(call.ending).toMatchObject({ by: 'peer' });
  });

  it('do without an offer in the INVITE', async () => {
    const { caller, callee, taken } = await pair(transport);
    const call = await caller.call(callee.uri, { offer: null });
    await call.waitFor('answered');
    await Promise.all([hears(call, 20), hears(only(taken), 20)]);
    expect(tonesHeard(call)).toEqual([CALLEE_HZ]);
    expect(tonesHeard(only(taken))).toEqual([CALLER_HZ]);
  });

  it.each(['sendonly', 'inactive', 'zero-address'] as const)(
    'hold in the form %s silences the held party, and resume ends it',
    async form => {
      const { caller, callee, taken } = await pair(transport);
      const call = await caller.call(callee.uri);
      await call.waitFor('answered');
      const other = only(taken);
      await Promise.all([hears(call, 10), hears(other, 10)]);
      expect((await call.hold(form)).status).toBe(200);
      const sentInHold = other.statistics().packetsSent;
      const media = other.remoteSdp?.media[0];
      expect([media?.direction, media?.rtp === null]).toEqual(
        form === 'zero-address' ? ['sendrecv', true] : [form, false],
      );
      await call.sendInfo({});
      expect(other.statistics().packetsSent).toBe(sentInHold);
      expect((await call.resume()).status).toBe(200);
      await other.until(() => other.statistics().packetsSent > sentInHold + 5);
    },
  );

  it('give a refusal with its status', async () => {
    const { caller, callee } = await pair(transport);
    callee.onIncoming(rejectWith(486));
    const call = await caller.call(callee.uri);
    await expect(call.waitFor('answered')).rejects.toMatchObject({
      code: 'REC_ERR_LAB_REFUSED',
      details: { status: 486 },
    });
    expect(call.ending).toMatchObject({ by: 'peer', status: 486 });
  });

  it('cancel a call that rings', async () => {
    const { caller, callee, taken } = await pair(transport);
    callee.onIncoming(incoming => {
      taken.push(incoming.call);
      ringForever(incoming);
    });
    const call = await caller.call(callee.uri);
    await call.waitFor('ringing');
    expect(call.provisionals).toEqual([100, 180]);
    await call.hangUp();
    await only(taken).waitFor('ended');
    expect(call.ending).toMatchObject({ by: 'us', status: 487 });
    expect(only(taken).ending).toMatchObject({ by: 'peer', status: 487 });
  });
});

describe('a softphone', () => {
  it('sends digits that the other reads', async () => {
    const { caller, callee, taken } = await pair('udp');
    const call = await caller.call(callee.uri);
    await call.waitFor('answered');
    call.sendDtmf('*44', 60);
    await only(taken).until(() => only(taken).digits === '*44');
    expect(only(taken).digits).toBe('*44');
  });

  it('hears early media before the answer', async () => {
    const { caller, callee } = await pair('udp');
    callee.onIncoming(incoming => {
      incoming.ring(183, { earlyMedia: true });
      incoming.after(400, () => incoming.answer());
    });
    const call = await caller.call(callee.uri);
    await call.waitFor('answered');
    const early = call.heard(call.times.startedAtMs);
    expect(scanTones(early, [CALLEE_HZ]).some(({ hz }) => hz === CALLEE_HZ)).toBe(true);
    expect(call.provisionals).toEqual([100, 183]);
  });

  it('keeps every packet when it is asked to, bit for bit', async () => {
    const { caller, callee, taken } = await pair('udp', { capture: true, codecs: ['PCMA'] });
    const call = await caller.call(callee.uri);
    await call.waitFor('answered');
    call.changeSsrc();
    await hears(only(taken), 10);
    await call.hangUp();
    const sent = call.sentPackets.map(({ datagram }) => datagram.toString('hex'));
    const received = only(taken).receivedPackets.map(({ datagram }) => datagram.toString('hex'));
    expect(received.length).toBeGreaterThanOrEqual(10);
    expect(sent.slice(0, received.length)).toEqual(received);
    expect(only(taken).statistics().received).toHaveLength(2);
  });

  it('delivers INFO with headers, and lets a test answer', async () => {
    const { caller, callee, taken } = await pair('tcp');
    const call = await caller.call(callee.uri);
    await call.waitFor('answered');
    const other = only(taken);
    other.hook = request => (request.method === 'INFO' ? { status: 488 } : null);
    const response = await call.sendInfo({
      headers: { Record: 'on' },
      contentType: 'text/plain',
      body: 'x',
    });
    expect(response.status).toBe(488);
    expect(other.requests.map(({ headers }) => headers.get('record'))).toEqual(['on']);
  });

  it('says what is wrong when nobody is there', async () => {
    const caller = await phone('tcp', 'alice', CALLER_HZ);
    const call = await caller.call('sip:bob@127.0.0.1:9;transport=tcp');
    await expect(call.waitFor('answered')).rejects.toMatchObject({ details: { status: 408 } });
    await expect(caller.call('tel:+123')).rejects.toMatchObject({
      code: 'REC_ERR_LAB_UNREACHABLE',
    });
  });

  it('refuses an offer that it cannot read with 488', async () => {
    const { caller, callee } = await pair('udp');
    const call = await caller.call(callee.uri, { offer: 'v=0\r\nm=audio\r\n' });
    await expect(call.waitFor('answered')).rejects.toMatchObject({ details: { status: 488 } });
  });
});

describe('an exchange', () => {
  it('carries many calls at a time on one pair of sockets, each with its own tone', async () => {
    const open = async (): Promise<PhoneExchange> => {
      const exchange = await openPhoneExchange({
        clock: systemClock,
        logger: noopLogger,
        host: '127.0.0.1',
        transports: ['udp'],
      });
      exchanges.push(exchange);
      return exchange;
    };
    const [callers, callees] = [await open(), await open()];
    const numbers = Array.from({ length: 30 }, (_, n) => n);
    const pairs = await Promise.all(
      numbers.map(async n => {
        const callee = await phone('udp', `b${n}`, 1500 + 40 * n, { exchange: callees });
        callee.onIncoming(answerAfter(0));
        const caller = await phone('udp', `a${n}`, 300 + 40 * n, { exchange: callers });
        return { caller, callee };
      }),
    );
    const calls = await Promise.all(pairs.map(({ caller, callee }) => caller.call(callee.uri)));
    await Promise.all(calls.map(call => call.waitFor('answered')));
    await Promise.all(calls.map(call => hears(call, 25)));
    const candidates = numbers.flatMap(n => [300 + 40 * n, 1500 + 40 * n]);
    // On a busy machine a phone may begin late or stutter: any full window of sound will do.
    const heard = calls.map(call =>
      scanTones(call.heard(), candidates, { windowMs: 200, hopMs: 50 }).find(
        reading => reading.isAlone,
      ),
    );
    expect(heard.map(reading => reading?.hz)).toEqual(numbers.map(n => 1500 + 40 * n));
    await Promise.all(calls.map(call => call.hangUp()));
    expect(callers.endpoint.counters.dialogs).toBe(0);
    expect(callees.endpoint.counters.dialogs).toBe(0);
  });
});
