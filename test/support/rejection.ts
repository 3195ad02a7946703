// How a test gets at the error that it expects.

/** What a promise is rejected with, when that is a `type`; throws what else became of it. */
export const rejection = async <T extends Error>(promise: Promise<unknown>, type: abstract new (...given: never[]) => T): Promise<T> => {
  const error: unknown = await promise.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof type)) throw error;
  return error;
};
