import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { openApiDocument } from '@flash-sale/contract/api/openapi.ts';
import { Router, type RequestHandler } from 'express';

const ours = join(import.meta.dirname, 'docs');
const swaggerUi = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/**
 * The files of the page; nothing else in these folders is served. Read when the module loads: later the process may have dropped
 * the right to read them.
 */
const files = [
  page('', join(ours, 'index.html')),
  page('initializer.js', join(ours, 'initializer.js')),
  page('swagger-ui.css', join(swaggerUi, 'swagger-ui.css')),
  page('swagger-ui-bundle.js', join(swaggerUi, 'swagger-ui-bundle.js')),
  page('favicon-32x32.png', join(swaggerUi, 'favicon-32x32.png')),
];

function page(name: string, file: string) {
  const content = readFileSync(file);
  return { name, type: extname(file), content, etag: `"${createHash('sha256').update(content).digest('base64url')}"` };
}

/** The page may load from and send requests to its own origin only. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const guarded: RequestHandler = (_request, response, next) => {
  response.set({
    'Content-Security-Policy': policy,
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-cache',
  });
  next();
};

/** The API's documentation at /api/docs/: a page to try it, and the OpenAPI document. */
export function docs(): Router {
  // Strict: relative links work from /api/docs/ only.
  const router = Router({ strict: true });
  const document = JSON.stringify(openApiDocument());
  router.get('/api/docs', (_request, response) => response.redirect(308, '/api/docs/'));
  router.get('/api/docs/openapi.json', guarded, (_request, response) => void response.type('json').send(document));
  for (const { name, type, content, etag } of files) {
    router.get(`/api/docs/${name}`, guarded, (_request, response) => {
      response.set('ETag', etag).type(type).send(content);
    });
  }
  return router;
}
