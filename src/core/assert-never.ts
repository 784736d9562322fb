/** Proves at compile time that every member of a union was handled. @throws always, if reached at run time. */
export function assertNever(value: never): never {
  throw new Error(`unhandled value: ${JSON.stringify(value)}`);
}
