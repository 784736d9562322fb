import { type LegRole, PCMU, type RemoteStream } from '#core';
import { type LegCounters, type LegLevel, type MediaCall, MediaError, type MediaLeg } from '#media';

import { CallLegs } from '../../../../src/session/call/call-legs';

function remote(sends: boolean, receives: boolean): RemoteStream {
  return {
    rtp: { host: '192.0.2.5', port: 4000 },
    rtcp: null,
    rtcpMux: false,
    sends,
    receives,
    formats: [PCMU],
  };
}

function counters(packetsReceived: number): LegCounters {
  return {
    packetsReceived,
    bytesReceived: 0,
    packetsSent: 0,
    bytesSent: 0,
    packetsLost: 0,
    malformed: 0,
    rejectedSource: 0,
    unauthentic: 0,
  };
}

class FakeLeg implements MediaLeg {
  readonly remotes: RemoteStream[] = [];
  packetsReceived = 0;
  isClosed = false;
  constructor(
    readonly legId: string,
    readonly network: string,
    port: number,
  ) {
    this.local = {
      rtp: { host: '192.0.2.1', port },
      rtcp: { host: '192.0.2.1', port: port + 1 },
    };
  }
  readonly local: MediaLeg['local'];

  setRemote(stream: RemoteStream): void {
    this.remotes.push(stream);
  }

  holdDtmf(): void {
    throw new Error('nobody holds digits here');
  }

  releaseDtmf(): void {
    throw new Error('nobody holds digits here');
  }

  counters(): LegCounters {
    return counters(this.packetsReceived);
  }

  close(): void {
    this.isClosed = true;
  }
}

class FakeMediaCall implements MediaCall {
  readonly legs: FakeLeg[] = [];
  readonly connections: [string, string][] = [];
  hasPorts = true;

  openLeg({ legId, network }: { legId: string; network: string }): Promise<MediaLeg> {
    if (!this.hasPorts) {
      return Promise.reject(new MediaError('REC_ERR_MEDIA_NO_PORTS', 'none left'));
    }
    const leg = new FakeLeg(legId, network, 5000 + 2 * this.legs.length);
    this.legs.push(leg);
    return Promise.resolve(leg);
  }

  connect(legIdA: string, legIdB: string): void {
    this.connections.push([legIdA, legIdB]);
  }

  playNotice(): never {
    throw new Error('legs never play notices');
  }

  watchLevels(): never {
    throw new Error('legs never watch levels');
  }

  levels(): readonly LegLevel[] {
    return [];
  }

  openRecording(): Promise<never> {
    return Promise.reject(new Error('legs never open recordings'));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  leg(role: LegRole): FakeLeg {
    const found = this.legs.find(({ legId }) => legId === role);
    if (found === undefined) {
      throw new Error(`no leg ${role}`);
    }
    return found;
  }
}

async function bench(): Promise<{ media: FakeMediaCall; legs: CallLegs }> {
  const media = new FakeMediaCall();
  const legs = await CallLegs.open(media, { caller: 'inside', callee: 'outside' });
  return { media, legs };
}

describe('CallLegs', () => {
  test('opens each leg on its own network and joins the two', async () => {
    const { media, legs } = await bench();
    expect(media.legs.map(({ legId, network }) => [legId, network])).toEqual([
      ['caller', 'inside'],
      ['callee', 'outside'],
    ]);
    expect(media.connections).toEqual([['caller', 'callee']]);
    expect(legs.local('caller')).toBe(media.leg('caller').local);
    expect(legs.local('callee')).toBe(media.leg('callee').local);
  });

  test('rejects when there are no ports', async () => {
    const media = new FakeMediaCall();
    media.hasPorts = false;
    await expect(CallLegs.open(media, { caller: 'a', callee: 'a' })).rejects.toMatchObject({
      code: 'REC_ERR_MEDIA_NO_PORTS',
    });
    expect(media.connections).toEqual([]);
  });

  test('tells each leg its own remote stream and keeps its formats', async () => {
    const { media, legs } = await bench();
    expect(legs.formatsOf('callee')).toEqual([]);
    const stream = remote(true, true);
    legs.setRemote('callee', stream);
    expect(media.leg('callee').remotes).toEqual([stream]);
    expect(media.leg('caller').remotes).toEqual([]);
    expect(legs.formatsOf('callee')).toEqual([PCMU]);
    expect(legs.formatsOf('caller')).toEqual([]);
  });

  test('takes both parties for active as long as nothing else is known', async () => {
    const { legs } = await bench();
    expect(legs.activityOf('caller')).toEqual({ sends: true, receives: true });
  });

  test.each([
    // What the caller's SDP says, what the callee's says, and what the caller then does.
    { own: [true, true], other: [true, true], sends: true, receives: true },
    { own: [true, false], other: [true, true], sends: true, receives: false },
    { own: [false, true], other: [true, true], sends: false, receives: true },
    { own: [true, true], other: [true, false], sends: false, receives: true },
    { own: [true, true], other: [false, true], sends: true, receives: false },
    { own: [true, true], other: [false, false], sends: false, receives: false },
    { own: [false, false], other: [true, true], sends: false, receives: false },
  ] as const)(
    'a caller of $own and a callee of $other (sends, receives): $sends, $receives',
    async ({ own, other, sends, receives }) => {
      const { legs } = await bench();
      legs.setRemote('caller', remote(own[0], own[1]));
      legs.setRemote('callee', remote(other[0], other[1]));
      expect(legs.activityOf('caller')).toEqual({ sends, receives });
    },
  );

  test('reports silence only when both legs that should send are silent', async () => {
    const { legs } = await bench();
    legs.setRemote('caller', remote(true, true));
    legs.setRemote('callee', remote(true, true));
    expect(legs.noteTimeout('caller')).toBe(false);
    expect(legs.noteTimeout('caller')).toBe(false);
    expect(legs.noteTimeout('callee')).toBe(true);
  });

  test('expects nothing of a leg that does not send', async () => {
    const { legs } = await bench();
    legs.setRemote('caller', remote(true, true));
    legs.setRemote('callee', remote(false, true));
    expect(legs.noteTimeout('caller')).toBe(true);
  });

  test('never calls a call silent in which nobody should send', async () => {
    const { legs } = await bench();
    expect(legs.noteTimeout('caller')).toBe(false);
    legs.setRemote('caller', remote(false, true));
    legs.setRemote('callee', remote(false, true));
    expect(legs.noteTimeout('callee')).toBe(false);
  });

  test('forgets the silence of a leg whose peer has said something new about its media', async () => {
    const { legs } = await bench();
    legs.setRemote('caller', remote(true, true));
    legs.setRemote('callee', remote(true, true));
    legs.noteTimeout('caller');
    legs.setRemote('caller', remote(true, true));
    expect(legs.noteTimeout('callee')).toBe(false);
  });

  test('reads the counters of each leg and closes both', async () => {
    const { media, legs } = await bench();
    media.leg('caller').packetsReceived = 7;
    media.leg('callee').packetsReceived = 9;
    expect(legs.counters()).toEqual({ caller: counters(7), callee: counters(9) });
    legs.close();
    expect(media.legs.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  });
});
