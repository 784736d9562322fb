/**
 * How many parts a multipart body has on its outermost level, counted no further than `max` + 1
 * (RFC 2046 §5.1.1). 0: it is no multipart, or has no boundary.
 */
export function countBodyParts(contentType: string | null, body: Buffer, max: number): number {
  if (contentType === null || !/^\s*multipart\//i.test(contentType)) {
    return 0;
  }
  const [, quoted, plain] =
    /;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) {
    return 0;
  }
  const delimiter = Buffer.from(`--${boundary}`, 'latin1');
  let count = 0;
  let at = body.indexOf(delimiter);
  while (at >= 0 && count <= max) {
    const end = at + delimiter.length;
    // It stands at the beginning of a line, and the last one has two hyphens after it.
    if ((at === 0 || body[at - 1] === 0x0a) && body.toString('latin1', end, end + 2) !== '--') {
      count++;
    }
    at = body.indexOf(delimiter, end);
  }
  return count;
}
