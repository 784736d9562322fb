/**
 * A copy in memory of its own, for bytes that are kept for long. Small buffers are slices of pieces of 8 KiB which
 * Node.js shares out, and bodies are slices of the datagram or frame that they came in: one slice that is kept keeps
 * all of it.
 */
export function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
