import { checkAnswer, templateOf } from '@flash-sale/shared/testing/contract-check.ts';

/** Checks an answer against the API's document; paths that it does not have are not checked. @throws ContractBroken */
export function checkContract(
  method: string,
  path: string,
  { status, headers, body }: { status: number; headers: Headers; body: unknown },
): void {
  const template = templateOf(method, path);
  if (template) checkAnswer(method, template, status, headers, body);
}
