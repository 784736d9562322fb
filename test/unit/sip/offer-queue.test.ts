import { noopLogger } from '#core';
import { isSipError } from '#sip';
import { type LocalOffer, OfferQueue } from '../../../sip/offer-queue';
import { SipDialog } from '../../../sip/sip-dialog';
import { UserAgent } from '../../../sip/user-agent';
import { type RequestLike } from '../../../sip/srf-types';
import { fakeResponse, FakeSrf } from '../../support/fake-srf';
import { messageLike } from '../../support/message-like';
import { ManualClock } from '../../support/manual-clock';

function setUp(
  role: 'uac' | 'uas' = 'uac',
  random = 0,
): {
  clock: ManualClock;
  fake: FakeSrf;
  userAgent: UserAgent;
  dialog: SipDialog;
  queue: OfferQueue;
} {
  const clock = new ManualClock();
  const fake = new FakeSrf();
  const userAgent = new UserAgent({
    srf: fake.srf,
    clock,
    logger: noopLogger,
    maxFrameBytes: null,
  });
  const dialog = new SipDialog({
    userAgent,
    id: 'dialog',
    sipCallId: 'c',
    role,
    contact: '<sip:us@192.0.2.1>',
    socket: undefined,
    owner: {
      offerReceived: () => undefined,
      requestReceived: () => undefined,
      byeReceived: () => undefined,
    },
  });
  const queue = new OfferQueue({ dialog, clock, random: () => random });
  return { clock, fake, userAgent, dialog, queue };
}

function offer(body: string, change: Partial<LocalOffer> = {}): LocalOffer {
  return {
    method: 'INVITE',
    message: () => ({ body }),
    expectsSdp: true,
    retryOn491: true,
    ...change,
  };
}

/** The peer has acknowledged our 200: requests toward a caller may go. */
function acknowledge(dialog: SipDialog): void {
  const ack = { ...messageLike({}), method: 'ACK', source: 'network' };
  dialog.handle(ack as unknown as RequestLike, fakeResponse());
}

describe('our offers', () => {
  it('go one at a time, in order, each acknowledged', async () => {
    const { fake, queue } = setUp();
    const first = queue.offer(offer('one'));
    const second = queue.offer(offer('two'));
    expect(fake.sent.map(each => each.options.body)).toEqual(['one']);
    expect(fake.last().options.headers['Contact']).toBe('<sip:us@192.0.2.1>');
    fake.last().respond(180);
    fake.last().respond(200, 'answer one');
    expect(await first.outcome).toMatchObject({ kind: 'answered', sdp: 'answer one' });
    expect(fake.sent[0]?.acks).toHaveLength(1);
    expect(fake.sent.map(each => each.options.body)).toEqual(['one', 'two']);
    fake.last().respond(488);
    expect(await second.outcome).toMatchObject({ kind: 'refused', response: { status: 488 } });
    expect(queue.isIdle).toBe(true);
  });

  it.each([
    ['uac', 0, 2_100],
    ['uac', 0.999, 4_000],
    ['uas', 0, 0],
    ['uas', 0.999, 2_000],
  ] as const)(
    'of a %s wait after 491 for the time of RFC 3261 §14.1 (random %d: %d ms)',
    async (role, random, delayMs) => {
      const { clock, dialog, fake, queue } = setUp(role, random);
      acknowledge(dialog);
      const { outcome } = queue.offer(offer('one'));
      fake.last().respond(491);
      expect(fake.sent).toHaveLength(1);
      clock.advance(delayMs - 1);
      expect(fake.sent).toHaveLength(1);
      clock.advance(1);
      expect(fake.sent).toHaveLength(2);
      fake.last().respond(200, 'answer');
      await outcome;
      expect(clock.runningTimers).toBe(0);
    },
  );

  it('keep their order while the first backs off, and let the peer offer meanwhile', async () => {
    const { clock, fake, queue } = setUp();
    const first = queue.offer(offer('one'));
    void queue.offer(offer('two'));
    fake.last().respond(491);
    expect(queue.admitPeerOffer()).toBeNull();
    clock.advance(2_100);
    expect(fake.sent).toHaveLength(1);
    queue.peerOfferDone();
    expect(fake.sent.map(each => each.options.body)).toEqual(['one', 'one']);
    fake.last().respond(200, 'answer');
    await first.outcome;
    expect(fake.last().options.body).toBe('two');
    fake.last().respond(200, 'answer');
  });

  it('give up after five 491s, or at the first when asked to', async () => {
    const { clock, fake, queue } = setUp();
    const patient = queue.offer(offer('one'));
    for (let attempt = 1; attempt <= 5; attempt++) {
      fake.last().respond(491);
      clock.advance(4_000);
    }
    expect(await patient.outcome).toMatchObject({ kind: 'refused', response: { status: 491 } });
    expect(fake.sent).toHaveLength(5);
    const hasty = queue.offer(offer('two', { retryOn491: false }));
    fake.last().respond(491);
    expect(await hasty.outcome).toMatchObject({ kind: 'refused' });
  });

  it('without a body last until the ACK with our answer, or 32 s', async () => {
    const { clock, fake, queue } = setUp();
    const first = queue.offer(offer('', { message: () => ({}) }));
    fake.last().respond(200, 'their offer');
    const outcome = await first.outcome;
    expect(queue.admitPeerOffer()?.status).toBe(491);
    if (outcome.kind === 'answered') {
      outcome.acknowledge('our answer');
      outcome.acknowledge('again');
    }
    expect(fake.last().acks).toEqual([
      { headers: { 'Content-Type': 'application/sdp' }, body: 'our answer' },
    ]);
    expect(queue.isIdle).toBe(true);
    const second = queue.offer(offer('', { message: () => ({}) }));
    fake.last().respond(200, 'their offer');
    await second.outcome;
    clock.advance(32_000);
    expect(fake.last().acks).toEqual([{}]);
    expect(queue.isIdle).toBe(true);
  });

  it('can be cancelled before and after they are sent', async () => {
    const { fake, queue } = setUp();
    const first = queue.offer(offer('one'));
    const second = queue.offer(offer('two'));
    second.cancel();
    await expect(second.outcome).rejects.toMatchObject({ code: 'REC_ERR_SIP_ABORTED' });
    first.cancel();
    expect(fake.last().cancels).toBe(1);
    fake.last().respond(487);
    expect(await first.outcome).toMatchObject({ kind: 'refused' });
  });

  it('are rejected when the dialog ends, the engine goes, or nothing comes', async () => {
    const { clock, fake, queue, userAgent } = setUp();
    const timedOut = queue.offer(offer('one'));
    clock.advance(36_000);
    await expect(timedOut.outcome).rejects.toMatchObject({ code: 'REC_ERR_SIP_TIMEOUT' });
    const lost = queue.offer(offer('two'));
    userAgent.engineLost();
    await expect(lost.outcome).rejects.toMatchObject({ code: 'REC_ERR_SIP_ENGINE_LOST' });
    expect(fake.dialogs.size).toBe(0);
    const gone = queue.offer(offer('three'));
    await expect(gone.outcome).rejects.toMatchObject({ code: 'REC_ERR_SIP_DIALOG_GONE' });
    queue.close();
    await expect(queue.offer(offer('four')).outcome).rejects.toMatchObject({
      code: 'REC_ERR_SIP_DIALOG_GONE',
    });
    expect(clock.runningTimers).toBe(0);
  });

  it('that cannot be made are rejected and block nothing', async () => {
    const { queue, fake } = setUp();
    const bad = queue.offer(
      offer('', {
        message: () => {
          throw new Error('no');
        },
      }),
    );
    const error: unknown = await bad.outcome.catch((reason: unknown) => reason);
    expect(isSipError(error, 'REC_ERR_SIP_ABORTED')).toBe(true);
    void queue.offer(offer('next'));
    expect(fake.last().options.body).toBe('next');
    fake.last().respond(200, 'x');
  });
});

describe('the peer’s offers', () => {
  it('are refused while ours is out (491) or theirs is open (500 with Retry-After)', async () => {
    const { fake, queue } = setUp('uac', 0.5);
    const ours = queue.offer(offer('one'));
    expect(queue.admitPeerOffer()).toEqual({ status: 491, headers: {} });
    fake.last().respond(200, 'answer');
    await ours.outcome;
    expect(queue.admitPeerOffer()).toBeNull();
    expect(queue.admitPeerOffer()).toEqual({ status: 500, headers: { 'Retry-After': '5' } });
    const waiting = queue.offer(offer('two'));
    expect(fake.sent).toHaveLength(1);
    queue.peerOfferDone();
    expect(fake.sent).toHaveLength(2);
    fake.last().respond(200, 'answer');
    await waiting.outcome;
  });

  it('do not block ours for ever when the peer never acknowledges', async () => {
    const { clock, fake, queue } = setUp();
    expect(queue.admitPeerOffer()).toBeNull();
    const ours = queue.offer(offer('one'));
    clock.advance(64_000);
    fake.last().respond(200, 'answer');
    await ours.outcome;
  });
});
