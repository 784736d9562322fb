export { type CliContext } from './context';
export { lazyRunners } from './lazy-runners';
export { runCli } from './program';
export {
  type DemoOptions,
  type ExplainOptions,
  type LabTransport,
  type PhoneAudio,
  type PhoneOptions,
  type Print,
  type Runners,
  type SignalSource,
  type SrsMisbehaviour,
  type SrsOptions,
} from './runners';
