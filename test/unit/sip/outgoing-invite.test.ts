import { systemClock } from '#core';
import { OutgoingInvite } from '../../../sip/outgoing-invite';
import { type ResponseHandlers, type UserAgent } from '../../../sip/user-agent';
import { type RequestLike, type ResponseLike } from '../../../sip/srf-types';
import { collectGarbage } from '../../support/collect-garbage';
import { messageLike } from '../../support/message-like';

const INVITES = 20;

function response(status: number): ResponseLike {
  const message = messageLike({ from: '<sip:us@h>;tag=a', to: '<sip:them@h>;tag=b' });
  return { ...message, status, reason: 'Because', stackDialogId: 'd' } as unknown as ResponseLike;
}

/** An INVITE of ours that was answered so; `kept` are its messages. */
function invite(status: number, kept: WeakRef<object>[]): OutgoingInvite {
  let handlers: ResponseHandlers | null = null;
  const userAgent = {
    clock: systemClock,
    send: (_request: unknown, given: ResponseHandlers) => {
      handlers = given;
      const pending = { cancel: () => undefined };
      kept.push(new WeakRef<object>(pending));
      return pending;
    },
    addDialog: () => undefined,
    removeDialog: () => undefined,
  } as unknown as UserAgent;
  const message = { headers: { 'X-Of': 'the message' }, body: 'v=0' };
  const result = new OutgoingInvite({
    userAgent,
    timeouts: { ringMs: 1000, byeMs: 1000 },
    target: {
      requestUri: 'sip:them@h',
      nextHop: 'sip:h',
      answerTimeoutMs: 1000,
    },
    message,
    document: 'INVITE',
    events: {
      progressed: () => undefined,
      answered: answer => answer.ack(),
      failed: () => undefined,
    },
    owner: {} as never,
  });
  const sent = { ...messageLike({ contact: '<sip:us@h>' }), socket: null } as never as RequestLike;
  kept.push(new WeakRef<object>(message), new WeakRef<object>(sent));
  const told = handlers as ResponseHandlers | null;
  told?.sent?.(sent);
  told?.final(response(status), () => undefined);
  return result;
}

test.each([200, 486])(
  'an INVITE of ours that was answered by %d keeps neither what it said nor what was sent',
  async status => {
    const kept: WeakRef<object>[] = [];
    const invites = Array.from({ length: INVITES }, () => invite(status, kept));
    await collectGarbage();
    expect(kept.filter(reference => reference.deref() !== undefined)).toHaveLength(0);
    expect(invites).toHaveLength(INVITES);
  },
);
