import { type PhoneCall } from '../../lab';
import { check, type ScenarioCheck } from '../scenario';
import { type Span } from '../proof/ear';
import { type Stage } from './stage';

const ACTIONS = { start: 'on', stop: 'off', pause: 'pause', resume: 'resume' } as const;

/** A control as its sender saw it. */
export interface SentControl {
  readonly action: keyof typeof ACTIONS;
  readonly status: number;
  /** From the request to its answer: somewhere between it took effect. Times of the call, ms. */
  readonly span: Span;
  readonly check: ScenarioCheck;
}

/** Presses a record key of the phone: INFO with the header `Record`, in the dialog of its call. */
export async function pressRecordKey(
  stage: Stage,
  call: PhoneCall,
  action: keyof typeof ACTIONS,
  expectedStatus = 200,
): Promise<SentControl> {
  stage.tell(`the phone asks to ${action} the recording`);
  const sentMs = stage.nowMs();
  const { status } = await call.sendInfo({ headers: { Record: ACTIONS[action] } });
  const span: Span = [sentMs, stage.nowMs()];
  return {
    action,
    status,
    span,
    check: check(
      `the phone's "${action}" is answered`,
      status === expectedStatus,
      String(expectedStatus),
      status,
    ),
  };
}
