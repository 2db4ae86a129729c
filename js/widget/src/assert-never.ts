/** Makes the compiler prove that a switch over a union is whole. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected ${JSON.stringify(value)}`);
}
