import { draw, type Flow } from './flow';
import { FLOWS } from './flows';

const HEAD = `# Call flows

Drawn from real runs: \`npm run docs:call-flows\` starts the gateway, the softphones and the reference recorders of the lab on
loopback, listens in on every party, and writes this file. Between the gateway and each party the order is that of the wire;
messages to different parties that belong together may cross and be drawn in another order in the next run. A test runs some
of the flows again and compares what each party sees with what stands here.

Left out: \`100 Trying\`, the OPTIONS by which the gateway asks whether a recorder is still there, retransmissions, RTP. In
brackets stands what a body holds: SDP with its direction, rs-metadata with its mode. The SRS is the recorder (RFC 7866), reached
over TCP; the phones use UDP. What ends when, and in which order, is in [teardown.md](teardown.md).
`;

/** Runs every flow, one after the other. @returns docs/call-flows.md. */
export async function callFlowsDocument(onFlow: (title: string) => void): Promise<string> {
  const sections: string[] = [];
  for (const flow of FLOWS) {
    onFlow(flow.title);
    sections.push(sectionOf(flow, await draw(flow)));
  }
  return [HEAD, ...sections].join('\n');
}

/** The ladder of a flow in the document; null: there is none. */
export function ladderIn(document: string, title: string): string | null {
  const section = document.split(/^## /m).find(text => text.startsWith(`${title}\n`));
  return /```mermaid\n([\s\S]*?)\n```/.exec(section ?? '')?.[1] ?? null;
}

function sectionOf({ title, about }: Flow, ladder: string): string {
  return `## ${title}\n\n${wrapped(about)}\n\n\`\`\`mermaid\n${ladder}\n\`\`\`\n`;
}

/** Lines of at most 120 columns. */
function wrapped(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > 120) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join('\n');
}
