/**
 * The same text as a string of its own, for what is kept for long. A piece that was cut from a message keeps the whole
 * message in memory, because V8 cuts by pointing into it.
 */
export function ownString(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
