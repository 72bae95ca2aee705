import type { Operation } from '../operation.ts';
import * as schemas from '../schemas.ts';
import { registeredLinks, sessionLinks } from './links.ts';
import { deviceToken, ids } from './parameters.ts';

const email = 'you@example.com';
const session = { accessToken: 'eyJhbGciOiJIUzI1NiIs…', refreshToken: 'b3BhcXVl…', expiresIn: 900 };

export const accountOperations: Operation[] = [
  {
    id: 'register',
    method: 'post',
    path: '/api/users',
    tag: 'Accounts',
    summary: 'Register',
    auth: 'anybody',
    body: {
      schema: schemas.registration,
      required: true,
      examples: { shopper: { email, password: 'correct-horse', name: 'You' } },
    },
    answers: {
      201: {
        description: 'Registered. Log in next.',
        body: schemas.registeredUser,
        examples: { shopper: { id: ids.user, email } },
        links: registeredLinks,
      },
    },
    problems: ['email-taken', 'too-many-requests'],
  },
  {
    id: 'logIn',
    method: 'post',
    path: '/api/sessions',
    tag: 'Accounts',
    summary: 'Log in',
    description:
      'Send the `accessToken` as `Authorization: Bearer …` with every request that needs one. It is valid for ' +
      '`expiresIn` seconds; before that, get the next one with the `refreshToken`. Keep the `deviceToken` for the next ' +
      'log-in, also after a log-out: wrong passwords that others try do not slow down a device that is known.',
    auth: 'anybody',
    parameters: [deviceToken],
    body: {
      schema: schemas.credentials,
      required: true,
      examples: {
        'demo shopper': { email: 'shopper1@example.com', password: 'flash-sale-demo' },
        'demo admin': { email: 'admin@example.com', password: 'flash-sale-demo' },
      },
    },
    answers: {
      201: {
        description: 'Logged in.',
        body: schemas.session,
        examples: { session: { ...session, deviceToken: 'aGVsbG8…' } },
        links: sessionLinks,
      },
    },
    problems: ['wrong-credentials', 'too-many-requests'],
  },
  {
    id: 'refresh',
    method: 'post',
    path: '/api/sessions/refresh',
    tag: 'Accounts',
    summary: 'Get new tokens for a refresh token',
    description:
      'The refresh token is used up by this. If one is used a second time, somebody else has it: then all tokens that ' +
      'descend from the same log-in stop working.',
    auth: 'anybody',
    body: {
      schema: schemas.refresh,
      required: true,
      examples: { session: { refreshToken: session.refreshToken } },
    },
    answers: {
      201: {
        description: 'The next pair of tokens.',
        body: schemas.session,
        examples: { session },
        links: sessionLinks,
      },
    },
    problems: ['refresh-token-invalid'],
  },
  {
    id: 'currentUser',
    method: 'get',
    path: '/api/users/me',
    tag: 'Accounts',
    summary: 'Read your own account',
    auth: 'user',
    answers: {
      200: {
        description: 'Your account.',
        body: schemas.currentUser,
        examples: { shopper: { id: ids.user, email, name: 'You', role: 'shopper' } },
      },
    },
    problems: [],
  },
];
