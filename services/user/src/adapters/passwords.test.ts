import { expect, test } from '@jest/globals';
import { hashOfNoPassword, hashPassword, measureHashMs, verifyPassword } from './passwords.ts';

test('a hash is a PHC string that only its password verifies', async () => {
  const stored = await hashPassword('correct horse');
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await verifyPassword('correct horse', stored)).toBe(true);
  expect(await verifyPassword('correct horsf', stored)).toBe(false);
  expect(await verifyPassword('', stored)).toBe(false);
});

test('equal passwords have different hashes', async () => {
  expect(await hashPassword('same')).not.toBe(await hashPassword('same'));
});

test('both Unicode compositions of a password are the same password', async () => {
  expect(await verifyPassword('cafe\u0301', await hashPassword('caf\u00e9'))).toBe(true);
});

test('the parameters are taken from the stored string', async () => {
  // Made by the argon2 reference program: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1
  const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  expect(await verifyPassword('password', reference)).toBe(true);
  expect(await verifyPassword('password', reference.replace('t=2', 't=3'))).toBe(false);
});

test.each(['', 'password', '$2b$10$abc', '$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA'])(
  '%p is no stored hash',
  async (stored) => {
    await expect(verifyPassword('password', stored)).rejects.toThrow('PHC');
  },
);

test('the hash of no password is written as those of demo accounts that an earlier release has locked', async () => {
  expect(hashOfNoPassword).toBe(`$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`);
  expect(await verifyPassword('', hashOfNoPassword)).toBe(false);
});

test('what a hash takes of a processor is measured', () => {
  expect(measureHashMs()).toBeGreaterThan(0.1);
});
