/**
 * Blocks whose behaviour a drachtio-server cannot have: they run on the embedded engine only, and
 * docs/engine-differences.md names them, which test/unit/documented-tests.test.ts checks.
 */
const isEmbedded = process.env['DRACHTIO_HOST'] === undefined;

export const itOnEmbedded = isEmbedded ? it : it.skip;
export const describeOnEmbedded = isEmbedded ? describe : describe.skip;
