import { type MediaCallEvents, type MediaPlane } from '#media';
import { readdirSync, readlinkSync } from 'node:fs';
import { WorkerHandle } from '../../media/plane/worker-handle';
import { eventually, firstCall, openPlane, rtp, UdpPeer } from './media-support';

/** Sockets, eventfds and epoll descriptors that this process holds. */
function openDescriptors(): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return /^(socket|anon_inode:\[event)/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false;
    }
  }).length;
}

describe.each(['linux', 'dgram'] as const)('a worker that dies on %s', backend => {
  let plane: MediaPlane;
  const workers: WorkerHandle[] = [];

  beforeEach(() => {
    workers.length = 0;
    const start = WorkerHandle.start.bind(WorkerHandle);
    jest.spyOn(WorkerHandle, 'start').mockImplementation(async options => {
      const worker = await start(options);
      workers.push(worker);
      return worker;
    });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await plane.close();
  });

  test('closes its ports, tells its calls as the last event, and is replaced', async () => {
    // Too few ports to hold any ready.
    plane = await openPlane(backend, { workers: 2, portMin: 41_000, portMax: 41_099 });
    const before = openDescriptors();
    const lost = firstCall<[string]>('mediaLost');
    const order: string[] = [];
    const events: MediaCallEvents = {
      legLatched: () => order.push('latched'),
      mediaLost: cause => {
        order.push('lost');
        lost.handler(cause);
      },
    };
    const otherLost = jest.fn();
    const call = plane.openCall({ callId: 'doomed' }, events);
    const other = plane.openCall({ callId: 'other' }, { mediaLost: otherLost });
    const leg = await call.openLeg({ legId: 'a', network: 'lo' });
    await call.openLeg({ legId: 'b', network: 'lo' });
    const recording = await call.openRecording({
      recordingId: 'r',
      network: 'lo',
      gateOpen: true,
      streams: [{ label: '1', sourceLegId: 'a', formats: [] }],
    });
    await other.openLeg({ legId: 'a', network: 'lo' });
    const phone = await UdpPeer.open();
    leg.setRemote(phone.remote());
    phone.send(rtp(1), leg.local.rtp);
    await eventually(() => leg.counters().packetsReceived === 1, 'the leg works');
    const doomed = workers.find(worker => worker.calls === 1);
    await doomed?.kill();
    await lost.called;
    expect(order).toEqual(['latched', 'lost']);
    expect(otherLost).not.toHaveBeenCalled();
    await expect(recording.setGate(false)).rejects.toMatchObject({
      code: expect.stringMatching(/^REC_ERR_MEDIA_(LOST|CLOSED)$/) as string,
    });
    await expect(call.openLeg({ legId: 'x', network: 'lo' })).rejects.toMatchObject({
      code: 'REC_ERR_MEDIA_LOST',
    });
    expect(leg.counters().packetsReceived).toBe(1);
    expect(plane.counters()).toMatchObject({ openCalls: 1, openLegs: 1, openRecordings: 0 });
    await eventually(() => workers.length === 3, 'the replacement');
    await call.close();
    await other.close();
    phone.close();
    const fresh = plane.openCall({ callId: 'fresh' }, {});
    await fresh.openLeg({ legId: 'a', network: 'lo' });
    await fresh.close();
    await eventually(() => openDescriptors() <= before, 'nothing of the dead worker is open');
  });

  test('closes the ports that it has held ready, which count as unused', async () => {
    plane = await openPlane(backend);
    const before = openDescriptors();
    const call = plane.openCall({ callId: 'doomed' }, {});
    await call.openLeg({ legId: 'a', network: 'lo' });
    await eventually(() => openDescriptors() >= before + 16, 'ports that are held ready');
    await workers[0]?.kill();
    await eventually(() => workers.length === 2, 'the replacement');
    await eventually(() => openDescriptors() <= before, 'nothing of the dead worker is open');
    expect(plane.counters().portsInUse).toBe(0);
  });
});
