/** Resolves when `test` holds, looking every few milliseconds. @throws when it does not within the deadline */
export async function waitUntil(
  test: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 20_000,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await test())) {
    if (Date.now() > end) {
      throw new Error(`not within ${deadlineMs} ms: ${what}`);
    }
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
