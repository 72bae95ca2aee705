import express, { type Express, type Request, type RequestHandler, type Router } from 'express';
import type { ILayer, IRoute } from 'express-serve-static-core';
import type { Logger } from '../log.ts';
import { AppError, errorTable } from '@flash-sale/contract/errors.ts';
import { remembered } from '../remembered.ts';
import { running } from '../tracing/running.ts';
import type { LocalRoot, Tracing } from '../tracing/tracing.ts';
import { underWay } from './under-way.ts';
import { verifyText } from './json-text.ts';
import { notFound, problemHandler } from './problem.ts';
import { reasonOf } from '../reason-of.ts';

const maxPublicBodyBytes = 100 * 1024;
const maxInternalBodyBytes = 16 * 1024 * 1024;

/** Hears of each answered request. `route` is its pattern, `other` where there is none; 499 is a client that left. */
export type OnRequest = (route: string, method: string, status: number, ms: number) => void;

export interface AppOptions {
  log: Logger;
  onRequest?: OnRequest | undefined;
  tracing?: Tracing | undefined;
  trustedProxies: string;
  /** Reachable from outside, mounted at /. */
  publicRoutes: Router;
  /** For other services only, mounted at /internal; nothing is parsed before `guard` has let the request pass. */
  internal: { guard: RequestHandler; routes: Router };
}

/** An Express application with the edges that every service shares: body limits, one log line a request, problems. */
export function createApp(options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  trustProxies(app, options.trustedProxies);
  app.set('query parser', 'simple');
  const { guard, routes } = options.internal;
  const { log, onRequest, tracing } = options;
  app.use(
    '/internal',
    requestLine({ log, onRequest, tracing }, 'service'),
    guard,
    ...beginningTraces(tracing, 'service'),
    express.json({ limit: maxInternalBodyBytes }),
    routes,
    notFound,
  );
  app.use(requestLine({ log, onRequest, tracing }, 'outside'), ...beginningTraces(tracing, 'outside'));
  app.use(edges(options.publicRoutes));
  app.use(express.json({ limit: maxPublicBodyBytes, inflate: false, verify: verifyText }));
  app.use(options.publicRoutes);
  app.use(otherMethod(options.publicRoutes));
  app.use(notFound);
  app.use(problemHandler);
  return app;
}

/** As Express understands it, but without reading the same few addresses anew with every request. */
function trustProxies(app: Express, trustedProxies: string): void {
  app.set('trust proxy', trustedProxies);
  const isTrusted = app.get('trust proxy fn') as (address: string) => boolean;
  app.set('trust proxy', remembered(isTrusted));
}

/**
 * What comes before the routes. A request without a host Node itself would refuse without a word; of the methods that a path has,
 * Express would tell those of the first router only. And what is answered to somebody who is signed in is not for others;
 * a route whose answer is the same for all says so itself.
 */
const edges =
  (routes: Router): RequestHandler =>
  ({ httpVersion, headers, method, path }, response, next) => {
    if (httpVersion === '1.1' && headers.host === undefined)
      throw new AppError('bad-request', 'A request by HTTP/1.1 has to name its host. Nothing was changed.');
    if (method === 'OPTIONS') {
      const allow = methodsAt(routes, path).join(', ');
      return allow === '' ? next() : void response.set('Allow', allow).send(allow);
    }
    if (headers.authorization !== undefined) response.setHeader('Cache-Control', 'no-store');
    next();
  };

/** 405 with `Allow` where the routes know the path, but not by this method. */
function otherMethod(routes: Router): RequestHandler {
  return ({ path, method }, response, next) => {
    const methods = methodsAt(routes, path);
    if (methods.length === 0 || methods.includes(method)) return next();
    response.set('Allow', [...methods, 'OPTIONS'].join(', '));
    throw new AppError('method-not-allowed', `This address does not answer to ${method}. Nothing was changed.`);
  };
}

/**
 * Asked of the routers themselves, so that no path is written twice. A path that has routes of its own has the methods of
 * these, whatever patterns it matches besides.
 */
function methodsAt(routes: Router, path: string): string[] {
  const matching = routesAt(routes, path);
  const own = matching.filter((route) => route.path === path);
  const methods = (own.length > 0 ? own : matching).flatMap(({ stack }) =>
    stack.map(({ method }) => method.toUpperCase()),
  );
  return [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))];
}

/** Routers within are mounted at /. */
function routesAt(router: Router, path: string): IRoute[] {
  return (router.stack as (ILayer & { match(path: string): unknown })[]).flatMap((layer) => {
    if (!layer.match(path)) return [];
    if (layer.route) return [layer.route];
    return 'stack' in layer.handle ? routesAt(layer.handle as Router, path) : [];
  });
}

/** In full for what nobody expected; a request that was shed must cost one short line. */
const causeOf = ({ cause }: AppError, level: string) =>
  level === 'error' ? { err: cause } : { reason: reasonOf(cause).slice(0, 300) };

const reading = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Writes one line a request once it has been answered, counts it, as under way until then, and tells of it where it is traced; the
 * level follows the error table. Of calls among services only what goes wrong is worth a line.
 */
function requestLine(
  { log, onRequest = () => {}, tracing }: Pick<AppOptions, 'log' | 'onRequest' | 'tracing'>,
  from: 'outside' | 'service',
): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    // By the time of the answer, an error may have led out of it again.
    const mount = request.baseUrl;
    const isChange = from === 'outside' && !reading.has(request.method);
    if (isChange) underWay.changes += 1;
    response.on('close', () => {
      if (isChange) underWay.changes -= 1;
      const ms = performance.now() - startedAt;
      const status = response.writableFinished ? response.statusCode : 499;
      const pattern: unknown = (request.route as { path: unknown } | undefined)?.path;
      const route = typeof pattern === 'string' ? mount + pattern : 'other';
      onRequest(route, request.method, status, ms);
      const error = response.locals['error'] as AppError | undefined;
      const level = error ? errorTable[error.code].level : 'info';
      const failure = level === 'error' ? error?.code : undefined;
      const root = response.locals['root'] as LocalRoot | undefined;
      if (root && tracing) endTrace(tracing, root, { request, route, status, ms, failure });
      if (!log.isLevelEnabled(level) || (from === 'service' && level === 'info')) return;
      log[level]({
        method: request.method,
        path: request.path,
        status,
        ms: Math.round(ms * 10) / 10,
        requestId: request.headers['x-request-id'],
        ...(root ? { traceId: root.traceId } : {}),
        ...(error ? { code: error.code } : {}),
        ...(error?.cause === undefined ? {} : causeOf(error, level)),
      });
    });
    next();
  };
}

/**
 * Begins the trace of what is somebody's request; `requestLine` ends it. A service that asks another says for whom. Probes, looks at
 * figures, and events, which bring theirs along, are nobody's. Nothing where tracing is off.
 */
function beginningTraces(tracing: Tracing | undefined, from: 'outside' | 'service'): RequestHandler[] {
  if (!tracing) return [];
  const begin: RequestHandler = (request, response, next) => {
    const { traceparent } = request.headers;
    const isSomebodys = from === 'outside' ? request.path.startsWith('/api/') : traceparent !== undefined;
    if (!isSomebodys) return next();
    const root = tracing.beginRequest(traceparent, from);
    response.locals['root'] = root;
    running.run(root, next);
  };
  return [begin];
}

function endTrace(
  tracing: Tracing,
  root: LocalRoot,
  about: { request: Request; route: string; status: number; ms: number; failure: string | undefined },
): void {
  const { request, route, status, ms, failure } = about;
  Object.assign(root.span.attributes, {
    'http.request.method': request.method,
    'http.route': route,
    'url.path': request.path,
    'http.response.status_code': status,
  });
  // Whoever asks for an outcome may wish to wait for it, and that is not slow.
  const isLongPoll = request.method === 'GET' && request.headers['prefer'] !== undefined;
  tracing.endRequest(root, { name: `${request.method} ${route}`, ms: isLongPoll ? 0 : ms, failure });
}
