import { EventHold } from '../../../../media/notices/event-hold';
import {
  type EventPacket,
  EventReceiver,
  type TelephoneEvent,
} from '../../../../media/notices/event-receiver';
import { EventSender } from '../../../../media/notices/event-sender';

function packet(parts: Partial<EventPacket>): EventPacket {
  return {
    ssrc: 1,
    timestamp: 1000,
    marker: false,
    payloadType: 101,
    clockRateHz: 8000,
    code: 5,
    isEnd: false,
    volume: 10,
    units: 160,
    ...parts,
  };
}

describe('EventReceiver', () => {
  let pressed: [string | null, number][];
  let receiver: EventReceiver;

  beforeEach(() => {
    pressed = [];
    receiver = new EventReceiver(
      () => undefined,
      ({ digit, units }) => pressed.push([digit, units]),
    );
  });

  test('an event is told once, at its end, however often that is repeated', () => {
    receiver.onPacket(packet({ marker: true }), 0);
    receiver.onPacket(packet({ units: 320 }), 20);
    expect(pressed).toEqual([]);
    for (let i = 0; i < 3; i++) {
      receiver.onPacket(packet({ units: 480, isEnd: true }), 40);
    }
    expect(pressed).toEqual([['5', 480]]);
    expect(receiver.service(10_000)).toBe(Infinity);
  });

  test('an end that got lost is missed after 200 ms', () => {
    receiver.onPacket(packet({ units: 320 }), 20);
    expect(receiver.service(100)).toBe(220);
    expect(pressed).toEqual([]);
    receiver.service(220);
    expect(pressed).toEqual([['5', 320]]);
    receiver.onPacket(packet({ units: 480, isEnd: true }), 230);
    expect(pressed).toHaveLength(1);
  });

  test('only the end came: it is a key press; the same key again is another one', () => {
    receiver.onPacket(packet({ isEnd: true, units: 800 }), 0);
    receiver.onPacket(packet({ isEnd: true, units: 640, timestamp: 3000 }), 200);
    expect(pressed).toEqual([
      ['5', 800],
      ['5', 640],
    ]);
  });

  test('the next key ends the one before; a late packet of that begins nothing', () => {
    receiver.onPacket(packet({ units: 320 }), 0);
    receiver.onPacket(packet({ timestamp: 2000, code: 11 }), 100);
    receiver.onPacket(packet({ units: 480, isEnd: true }), 110);
    receiver.onPacket(packet({ timestamp: 2000, code: 11, isEnd: true, units: 240 }), 120);
    expect(pressed).toEqual([
      ['5', 320],
      ['#', 240],
    ]);
  });

  test('a long event in several segments is one (RFC 4733 §2.5.1.3)', () => {
    receiver.onPacket(packet({ units: 65_440, timestamp: 0xffff_0000 }), 8000);
    receiver.onPacket(packet({ units: 160, timestamp: (0xffff_0000 + 65_535) | 0 }), 8020);
    receiver.onPacket(
      packet({ units: 4000, timestamp: (0xffff_0000 + 65_535) | 0, isEnd: true }),
      8500,
    );
    expect(pressed).toEqual([['5', 69_535]]);
  });

  test('events that are no keys have no digit', () => {
    receiver.onPacket(packet({ code: 16, isEnd: true }), 0);
    expect(pressed).toEqual([[null, 160]]);
  });
});

describe('EventHold', () => {
  const hold = (): EventHold => {
    const created = new EventHold();
    created.setRule({ digits: '*', maxHoldMs: 2000 });
    return created;
  };

  const key = (digit: string, startedAtMs = 0): TelephoneEvent => ({
    code: '0123456789*#ABCD'.indexOf(digit),
    digit,
    payloadType: 101,
    clockRateHz: 8000,
    volume: 10,
    startedAtMs,
    units: 480,
    isHeld: false,
    hasEnded: false,
  });

  function press(target: EventHold, digit: string, atMs = 0): boolean {
    const event = key(digit, atMs);
    target.begin(event);
    target.end(event);
    return event.isHeld;
  }

  /** What would be sent, in order. */
  function sent(target: EventHold): string {
    let digits = '';
    for (let next = target.next; next !== null; next = target.next) {
      digits += next.digit ?? '?';
      target.sent();
    }
    return digits;
  }

  test('a key that begins no code passes; from one that may, all are held', () => {
    const held = hold();
    expect(press(held, '1')).toBe(false);
    expect([press(held, '*'), press(held, '4'), press(held, '4')]).toEqual([true, true, true]);
    expect(sent(held)).toBe('');
    held.release('relay');
    expect(sent(held)).toBe('*44');
    expect(press(held, '1')).toBe(false);
  });

  test('a code that was one is forgotten', () => {
    const held = hold();
    press(held, '*');
    press(held, '4');
    held.release('drop');
    expect(sent(held)).toBe('');
    expect(press(held, '4')).toBe(false);
  });

  test('after its time everything goes on, counted from the first key', () => {
    const held = hold();
    press(held, '*', 100);
    press(held, '4', 1500);
    expect(held.service(2099)).toBe(2100);
    expect(held.next).toBeNull();
    held.service(2100);
    expect(sent(held)).toBe('*4');
  });

  test('a key that is still pressed at the time-out passes from then on, unless others are ahead', () => {
    const alone = hold();
    const first = key('*');
    alone.begin(first);
    alone.service(2000);
    expect(first.isHeld).toBe(false);
    alone.end(first);
    expect(alone.next).toBeNull();

    const second = hold();
    press(second, '*');
    const pressed = key('4', 1900);
    second.begin(pressed);
    second.service(2000);
    expect(pressed.isHeld).toBe(true);
    expect(press(second, '7', 2050)).toBe(true);
    second.end(pressed);
    expect(sent(second)).toContain('*');
  });

  test('keys that come while others wait line up behind them', () => {
    const held = hold();
    press(held, '*');
    held.release('relay');
    expect(press(held, '7', 50)).toBe(true);
    expect(sent(held)).toBe('*7');
    expect(press(held, '8', 90)).toBe(false);
  });

  test('without a rule any more, what is held goes on', () => {
    const held = hold();
    press(held, '*');
    held.setRule(null);
    expect(sent(held)).toBe('*');
    expect(press(held, '*')).toBe(false);
  });

  test('no more than 32 are ever held', () => {
    const held = hold();
    for (let i = 0; i < 100; i++) {
      press(held, '*', 0);
    }
    expect(sent(held).length).toBeLessThanOrEqual(32);
  });

  test('a held event is sent as RFC 4733 wants it: 20 ms apart, growing, its end three times', () => {
    const held = hold();
    press(held, '*');
    press(held, '4');
    held.release('relay');
    const bytes = new Uint8Array(16);
    const packets: [number, boolean, string][] = [];
    let nowMs = 0;
    const sender = new EventSender(held, bytes, (_event, isFirst) => {
      packets.push([nowMs, isFirst, Buffer.from(bytes.subarray(0, 2)).toString('hex')]);
    });
    const payloads: string[] = [];
    for (; nowMs < 400; nowMs++) {
      const before = packets.length;
      sender.service(nowMs);
      if (packets.length > before) {
        payloads.push(Buffer.from(bytes.subarray(12)).toString('hex'));
      }
    }
    expect(payloads).toEqual([
      ...['0a0a00a0', '0a0a0140', '0a8a01e0', '0a8a01e0', '0a8a01e0'],
      ...['040a00a0', '040a0140', '048a01e0', '048a01e0', '048a01e0'],
    ]);
    expect(packets.map(([atMs]) => atMs)).toEqual([0, 20, 40, 60, 80, 140, 160, 180, 200, 220]);
    expect(packets.map(([, isFirst]) => isFirst).filter(Boolean)).toHaveLength(2);
    expect(packets[0]?.[2]).toBe('80e5');
    expect(packets[1]?.[2]).toBe('8065');
  });
});
