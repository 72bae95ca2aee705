import { checkAnswer, templateOf } from '@flash-sale/shared/testing/contract-check.ts';

/** Holds an answer against the API's document. What is not in it (and is answered 404) is nobody's contract. @throws ContractBroken */
export function checkContract(
  method: string,
  path: string,
  { status, headers, body }: { status: number; headers: Headers; body: unknown },
): void {
  const template = templateOf(method, path);
  if (template) checkAnswer(method, template, status, headers, body);
}
