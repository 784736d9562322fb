import { Counter, type Registry } from 'prom-client';
import { LabelGuard } from './label-guard';

/** What is reported of controls, notices and indications. */
export interface ControlMetrics {
  /** A control of a recording, how it came, and what came of it (`done`, `unchanged`, `refused-…`). */
  control(action: string, via: string, outcome: string): void;
  /** What became of a notice on one leg. */
  notice(kind: string, outcome: string): void;
  /** A prompt that FreeSWITCH was asked for: `rendered` or `failed`. */
  promptRendered(outcome: 'rendered' | 'failed'): void;
  /** What record-aware UAs are told. */
  indication(state: string): void;
}

/** The metrics of what parties may do to recordings, and of what they hear and see of them. */
export function controlMetrics(registry: Registry): ControlMetrics {
  const registers = [registry];
  const controls = new Counter({
    name: 'siprec_gateway_controls_total',
    help: 'Controls of recordings, by action, by the way on which they came, and by outcome.',
    labelNames: ['action', 'via', 'outcome'],
    registers,
  });
  const notices = new Counter({
    name: 'siprec_gateway_notices_total',
    help: 'Tones and announcements, one per leg that should have heard it, by kind and outcome.',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  const indications = new Counter({
    name: 'siprec_gateway_indications_total',
    help: 'Changes of a=record toward record-aware UAs, by state.',
    labelNames: ['state'],
    registers,
  });
  const prompts = new Counter({
    name: 'siprec_gateway_prompts_rendered_total',
    help: 'Prompts that FreeSWITCH was asked to render, by outcome.',
    labelNames: ['outcome'],
    registers,
  });
  const guard = new LabelGuard();
  return {
    control: (action, via, outcome) => controls.inc({ action, via, outcome: guard.label(outcome) }),
    notice: (kind, outcome) => notices.inc({ kind, outcome: guard.label(outcome) }),
    promptRendered: outcome => prompts.inc({ outcome }),
    indication: state => indications.inc({ state }),
  };
}
