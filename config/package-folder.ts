import { existsSync } from 'node:fs';
import * as path from 'node:path';

/** A folder of the package, whether we run from the sources or from dist/. */
export function packageFolder(...names: readonly string[]): string {
  let folder = __dirname;
  while (!existsSync(path.join(folder, 'package.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder) {
      throw new Error(`no package.json above ${__dirname}`);
    }
    folder = parent;
  }
  return path.join(folder, ...names);
}
