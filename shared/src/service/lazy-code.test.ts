import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

test('after it, nothing more is loaded by the first body and the first request', async () => {
  const script = join(import.meta.dirname, `.lazy-code-${process.pid}.mjs`);
  try {
    await writeFile(
      script,
      `import { Module } from 'node:module';
       import { createServer } from 'node:http';
       import { createApp } from '../http/app.ts';
       import { loadLazyCode } from './lazy-code.ts';
       import { Router } from 'express';
       import { pino } from 'pino';
       import { request } from 'undici';
       await loadLazyCode();
       const loaded = [];
       const load = Module._load;
       Module._load = (name, parent, ...rest) => {
         if (!name.startsWith('node:') && !Module.builtinModules.includes(name)) loaded.push(name);
         return load(name, parent, ...rest);
       };
       const publicRoutes = Router().post('/', (request, response) => void response.json(request.body));
       const internal = { guard: (_request, _response, next) => next(), routes: Router() };
       const log = pino({ level: 'silent' });
       const server = createServer(createApp({ log, trustedProxies: 'loopback', publicRoutes, internal }));
       await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
       const headers = { 'content-type': 'application/json' };
       const url = 'http://127.0.0.1:' + server.address().port;
       const answer = await request(url, { method: 'POST', headers, body: '{"a":1}' });
       console.log(JSON.stringify({ status: answer.statusCode, body: await answer.body.json(), loaded }));
       process.exit();`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [script], { env: { PATH: process.env.PATH } });
    expect(JSON.parse(stdout)).toEqual({ status: 200, body: { a: 1 }, loaded: [] });
  } finally {
    await rm(script, { force: true });
  }
});
