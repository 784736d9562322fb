import { type Runners } from './runners';

/**
 * The real work behind the commands. Each part is loaded when its command runs, so that `config check` and
 * `--help` start at once. (Dynamic imports name the compiled file: Node.js resolves them.)
 */
export const lazyRunners: Runners = {
  async start(config, signals, print, loaded) {
    const { serve } = await import('../serve.js');
    return serve(config, signals, print, loaded);
  },
  async demo(options, signal, print) {
    const { runDemo } = await import('../demo/run-demo.js');
    return runDemo(options, signal, print);
  },
  async srs(options, signal, print) {
    const { runSrs } = await import('../lab/run-srs.js');
    return runSrs(options, signal, { print });
  },
  async explain({ files, json }, print) {
    const { explainFiles } = await import('../lab/srs/explain.js');
    const { explanationLines } = await import('../lab/srs/explain-text.js');
    const explanation = explainFiles(files);
    (json ? [JSON.stringify(explanation)] : explanationLines(explanation)).forEach(print);
    return 0;
  },
  async phone(options, signal, print) {
    const { runPhone } = await import('../lab/run-phone.js');
    return runPhone(options, signal, { print });
  },
};
