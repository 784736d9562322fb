import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';

/** Folder of package.json: two or three levels up, whether we run from the sources or from dist/. */
function packageRoot(): string {
  let folder = __dirname;
  while (!existsSync(path.join(folder, 'package.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder) {
      throw new Error(`no package.json above ${__dirname}`);
    }
    folder = parent;
  }
  return folder;
}

/** Version of this package. */
export function packageVersion(): string {
  const text = readFileSync(path.join(packageRoot(), 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}

/** The configuration that is used when none is named; relative to the working directory where that is shorter. */
export function exampleConfigFile(): string {
  const file = path.join(packageRoot(), 'config', 'gateway.example.yaml');
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}
