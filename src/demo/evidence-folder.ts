import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** What an earlier run may have left in a folder: it must never pass for evidence of this one. */
const EVIDENCE =
  /^(?:recording(?:-\d+)?\.wav|.+-heard\.wav|(?:metadata|sip)(?:-\d+)?|srs|tls|(?:ledger|webhooks)\.jsonl.*|gateway\.(?:log|json)|result\.json)$/;

/** An absolute path to a folder without evidence in it; null: a new folder below the system's temporary one. */
export function evidenceFolder(outDir: string | null): string {
  if (outDir === null) {
    return mkdtempSync(join(tmpdir(), 'siprec-demo-'));
  }
  mkdirSync(outDir, { recursive: true });
  for (const name of readdirSync(outDir).filter(each => EVIDENCE.test(each))) {
    rmSync(join(outDir, name), { recursive: true, force: true });
  }
  return resolve(outDir);
}
