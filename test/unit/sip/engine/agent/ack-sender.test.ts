import { AckSender } from '../../../../../sip/engine/agent/ack-sender';
import { type AgentContext } from '../../../../../sip/engine/agent/context';
import { type PendingAck } from '../../../../../sip/engine/agent/leg';
import { RequestBuilder } from '../../../../../sip/engine/agent/request-builder';
import { type Dialog } from '../../../../../sip/engine/dialog';
import { HeaderList, type SipRequest } from '../../../../../sip/engine/message';
import { DEFAULT_TIMERS, patienceMs } from '../../../../../sip/engine/transaction';
import { type OutboundRoute } from '../../../../../sip/engine/transport';
import { FakeClock } from '../fake-clock';

test('an ACK is kept as long as its 2xx may be repeated, and then it is only known to have gone', () => {
  const clock = new FakeClock();
  const route = { transport: 'udp', localHost: '192.0.2.1', localPort: 5060 };
  const gone: SipRequest[] = [];
  const context = {
    clock,
    targetOf: () => ({ transport: 'udp', host: '192.0.2.9', port: 5060 }),
    transport: {
      route: (_target: unknown, found: (result: unknown) => void) => found({ ok: true, route }),
    },
    transactions: {
      timers: DEFAULT_TIMERS,
      send: (
        ack: SipRequest,
        by: OutboundRoute,
        { onSent }: { onSent: (ack: SipRequest, by: OutboundRoute) => void },
      ) => {
        gone.push(ack);
        onSent(ack, by);
      },
    },
  } as unknown as AgentContext;
  const dialog = {
    nextRequest: () => ({
      requestUri: 'sip:192.0.2.9',
      nextHop: 'sip:192.0.2.9',
      fixedTarget: null,
      headers: HeaderList.of(['CSeq', '1 ACK']),
    }),
  } as unknown as Dialog;
  const waiting: PendingAck = {
    txnId: 'txn',
    isCancelled: false,
    dialog,
    sequence: 1,
    isSent: false,
    sent: null,
    patience: null,
  };
  new AckSender(context, new RequestBuilder(context)).send(waiting, null);
  expect(gone).toHaveLength(1);
  expect(waiting.isSent).toBe(true);
  clock.advance(patienceMs(DEFAULT_TIMERS) - 1);
  expect(waiting.sent?.request).toBe(gone[0]);
  clock.advance(1);
  expect(waiting.sent).toBeNull();
  expect(waiting.isSent).toBe(true);
  expect(clock.timerCount).toBe(0);
});
